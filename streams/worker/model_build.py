"""The generation of a wanted model: built beside binding, and swapped in between two micro-batches."""

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import NamedTuple

from streams.arrival.generation import GenerationBuild
from streams.binder import Binder
from streams.history.store import RowsGone
from streams.review.question import Encoders
from streams.worker.mailbox import WantedModel
from streams.worker.portable_error import portable

# Of the thread that builds, and of those that it starts: where cores are few, new samples come first.
NICENESS = 10
# So long a micro-batch waits for a build that was outrun by a whole history once, twice as long after the second time.
# Chosen by hand: a full one of 64 samples each second is far fewer than are built meanwhile.
GIVE_WAY_S = 1.0


class BuildEnd(NamedTuple):
    """How a build ended: what the model was refused for, if it was, how long it took, and how often it began anew."""

    refusal: Exception | None
    seconds: float
    n_outrun: int = 0


class _Building(NamedTuple):
    """A generation since it is being built."""

    build: GenerationBuild
    done: "Future[None]"


class ModelBuild:
    """Builds one generation at a time: loads the model's encoders and embeds the history in a thread of its own.

    Args:
        clock: Seconds from any beginning.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, "build", _give_way)
        self._began_s = 0.0
        self._version = self._n_outrun = 0
        self._loading: Future[Encoders] | None = None
        self._building: _Building | None = None

    def want(self, model: WantedModel) -> None:
        """Begins with that model, and lets go of any other."""
        self.abandon()
        self._began_s, self._version, self._n_outrun = self._clock(), model.version, 0
        self._loading = self._thread.submit(model.load)

    def step(self, binder: Binder) -> BuildEnd | None:
        """Begins to build what is loaded, swaps in what is built; None while either takes its time.

        A build that lags behind by a whole history is begun anew, and the stream gives way to it from then on.
        """
        if self._n_outrun and self._building is not None:
            wait([self._building.done], self._n_outrun * GIVE_WAY_S)
        try:
            built = self._built(binder)
            if built is None:
                return None
            binder.swap(built)
        except RowsGone:
            assert self._building is not None, "who lags behind has begun"
            encoders = self._building.build.encoders
            self.abandon()
            self._n_outrun += 1
            self._begin(binder, encoders)
            return None
        except Exception as error:  # whatever is wrong with a new model, the present one goes on
            self.abandon()
            return self._end(portable(error))
        self._building = None
        return self._end(None)

    def abandon(self) -> None:
        """Lets go of what is being built, once it is built: a thread cannot be interrupted."""
        if self._building is not None:
            build = self._building.build
            self._building.done.add_done_callback(lambda done: build.abandon())
        self._loading = self._building = None

    def _built(self, binder: Binder) -> GenerationBuild | None:
        """What may be swapped in now.

        Raises:
            Exception: Whatever the model's encoders raise.
        """
        if self._loading is not None and self._loading.done():
            loading, self._loading = self._loading, None
            self._begin(binder, loading.result())
        if self._building is None or not self._building.done.done():
            return None
        self._building.done.result()
        return self._building.build

    def _begin(self, binder: Binder, encoders: Encoders) -> None:
        build = binder.begin_build(self._version, encoders)
        self._building = _Building(build, self._thread.submit(build.run))

    def _end(self, refusal: Exception | None) -> BuildEnd:
        return BuildEnd(refusal, self._clock() - self._began_s, self._n_outrun)


def _give_way() -> None:
    if sys.platform == "linux":  # where a thread has a niceness of its own
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
