"""What ends an app whose work fails, and sees when it is stuck."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import faust

from streams.worker.delivery import Event, micro_batches

log = logging.getLogger(__name__)

# The event loop beats so often; silent for so long it is stuck.
BEAT_EVERY_S = 0.25
STUCK_S = 30.0


class Guard:
    """Runs the agents and tasks of an app by the law of acknowledging.

    Streams are read with `noack()`, batches are acknowledged by hand and in the order of their offsets, and no
    exception leaves an agent: Faust would acknowledge what it was working on. Whatever is unexpected ends the process
    (`crash`), and the next one begins where the last commit was.

    Args:
        app: Is ended.
    """

    def __init__(self, app: faust.App) -> None:
        self._app = app
        self._beat_s: float | None = None
        self.has_crashed = False
        app.task(self._beat)

    def healthy(self) -> list[str]:
        """Why this process should be started again; empty while it should not."""
        silent_s = time.monotonic() - self._beat_s if self._beat_s is not None else 0.0
        return [f"the event loop has been stuck for {silent_s:.0f} s"] if silent_s > STUCK_S else []

    async def run_agent(self, stream: Any, work: Callable[[Sequence[Event]], Awaitable[None]]) -> None:
        """Has `work` do all that comes, a micro-batch at a time."""
        try:
            async for events in micro_batches(self._app, stream):
                await work(events)
        except Exception as error:
            await self.crash(error)

    async def guarded(self, work: Awaitable[None]) -> None:
        """Awaits it; what it raises ends the app."""
        try:
            await work
        except Exception as error:
            await self.crash(error)

    async def crash(self, error: BaseException) -> None:
        """Ends the app."""
        self.has_crashed = True
        log.error("stopping after an unexpected %s: %s", type(error).__name__, error, exc_info=error)
        await self._app.crash(error)

    async def _beat(self) -> None:
        """On its own: what waits for a broker that is away is not stuck."""
        while not self._app.should_stop:
            self._beat_s = time.monotonic()
            await asyncio.sleep(BEAT_EVERY_S)
