"""The generation of a wanted model: built beside binding, and swapped in between two micro-batches."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from streams.arrival.generation import GenerationBuild
from streams.binder import Binder
from streams.worker.mailbox import Mailbox, WantedModel
from streams.worker.metrics import StreamMetrics


class _Building(NamedTuple):
    """A wanted model's generation, being built since `began_s`."""

    model: WantedModel
    build: GenerationBuild
    done: "Future[None]"
    began_s: float


class ModelBuild:
    """Builds one generation at a time, in a thread of its own.

    Args:
        mailbox: Where the wanted model is, and what became of it is said.
        metrics: Are told.
        clock: Seconds from any beginning.
    """

    def __init__(self, mailbox: Mailbox, metrics: StreamMetrics, clock: Callable[[], float]) -> None:
        self._mailbox, self._metrics, self._clock = mailbox, metrics, clock
        self._thread = ThreadPoolExecutor(1, "build")
        self._building: _Building | None = None

    @property
    def is_due(self) -> bool:
        """Whether `step` would begin, give up or finish a build."""
        if self._mailbox.wanted is self._mailbox.in_use:
            return False
        building = self._building
        return building is None or building.model is not self._mailbox.wanted or building.done.done()

    def step(self, binder: Binder) -> None:
        """Begins a build of the model that is wanted, or swaps it in where it is built."""
        wanted = self._mailbox.wanted
        if self._building is not None and self._building.model is not wanted:
            self.abandon()
        if self._building is None:
            build = binder.begin_build(*wanted)
            self._building = _Building(wanted, build, self._thread.submit(build.run), self._clock())
        elif self._building.done.done():
            self._finish(binder, self._building)

    def use_at_once(self, binder: Binder) -> None:
        """Has a new binder use the wanted model, or where that is no good the one before it."""
        wanted, before = self._mailbox.wanted, self._mailbox.in_use
        try:
            if wanted.version:
                binder.use(*wanted)
        except Exception as error:  # whatever is wrong with a new model, the present one goes on
            self._mailbox.refuse(wanted, error)
            if before.version:
                binder.use(*before)
            wanted = before
        self._mailbox.settle(wanted)

    def abandon(self) -> None:
        """Lets go of what is being built, once it is built: a thread cannot be interrupted."""
        if self._building is not None:
            build = self._building.build
            self._building.done.add_done_callback(lambda done: build.abandon())
            self._building = None

    def _finish(self, binder: Binder, built: _Building) -> None:
        self._building = None
        try:
            built.done.result()
        except Exception as error:  # whatever is wrong with a new model, the present one goes on
            built.build.abandon()
            self._mailbox.refuse(built.model, error)
            return
        binder.swap(built.build)
        self._metrics.rebuild_seconds.observe(self._clock() - built.began_s)
        self._metrics.set_generation(built.model.version)
        self._mailbox.settle(built.model)
