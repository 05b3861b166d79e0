"""A BindWork in a process of its own: what it computes does not take turns with the event loop of the worker.

The two share one pair of sockets and nothing else. The child ends when its end of the pair says so, however the worker
ended; signals are the worker's to answer. What goes over the pair is pickled, by us and for us.
"""

import asyncio
import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from encoders.errors import MmbindError
from streams.service.lifecycle import SWITCH_S
from streams.settings import StreamSettings
from streams.worker.bind_work import BindWork
from streams.worker.portable_error import portable

P = ParamSpec("P")
T = TypeVar("T")

MODULE = __name__  # what Python runs as the process
END_S = 5.0


class BindProcessError(MmbindError, RuntimeError):
    """The process that binds is gone: what it held is lost, and the worker must begin again."""


class BindProcess:
    """Starts the process, and has it do one thing after the other.

    Args:
        settings: Of the worker.
    """

    def __init__(self, settings: StreamSettings) -> None:
        ours, theirs = socket.socketpair()
        fd = theirs.fileno()
        # It finds what this process finds, however that was told where to look.
        paths = os.pathsep.join(str(Path(one).resolve()) for one in sys.path)
        self._child = subprocess.Popen(
            [sys.executable, "-P", "-m", MODULE, str(fd)],
            stdin=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": paths},
            pass_fds=[fd],
        )
        theirs.close()
        self._pipe = Connection(ours.detach())
        self._numbers = itertools.count()
        self._pipe.send(_plain(settings))

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._child.pid

    async def do(self, method: Callable[Concatenate[BindWork, P], T], *args: P.args, **options: P.kwargs) -> T:
        """What that method gives, over there. Not for two tasks at once.

        Raises:
            BindProcessError: If the process ends, or has.
            Exception: What the method raises.
        """
        number = next(self._numbers)
        try:
            self._pipe.send((number, method.__name__, args, options))
            answered = -1
            while answered != number:  # a smaller one is of a call that nobody waited for any more
                await self._readable()
                answered, result, error = self._pipe.recv()
        except (EOFError, ConnectionError) as lost:
            code = await asyncio.to_thread(self._child.wait)
            raise BindProcessError(f"the process that binds has ended, with code {code}") from lost
        if error is not None:
            raise error
        return result  # type: ignore[no-any-return]

    def close(self) -> None:
        """Ends the process, and at once if it is in the middle of something long."""
        self._pipe.close()
        try:
            self._child.wait(END_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()

    async def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        came = loop.create_future()
        loop.add_reader(self._pipe.fileno(), _settle, came)
        try:
            await came
        finally:
            loop.remove_reader(self._pipe.fileno())


def _plain(settings: StreamSettings) -> StreamSettings:
    """Without what a subclass adds, which may have been made on the way."""
    return StreamSettings.model_construct(**{name: getattr(settings, name) for name in StreamSettings.model_fields})


def _settle(came: asyncio.Future[None]) -> None:
    if not came.done():
        came.set_result(None)


def serve(pipe: Connection) -> None:
    """Does what is asked for until the other end is closed."""
    work = BindWork(pipe.recv(), time.perf_counter)
    while True:
        try:
            number, name, args, options = pipe.recv()
        except (EOFError, ConnectionError):
            return
        result, error = None, None
        try:
            result = getattr(work, name)(*args, **options)
        except Exception as raised:
            error = portable(raised)
        try:
            pipe.send((number, result, error))
        except ConnectionError:
            return


def main() -> None:
    """The process. A thread that still builds does not keep it."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    sys.setswitchinterval(SWITCH_S)
    serve(Connection(int(sys.argv[1])))
    os._exit(0)


if __name__ == "__main__":
    main()
