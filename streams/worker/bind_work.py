"""What the bind stage has done for it: all that takes time, in whatever process. One thing at a time; no I/O but notes.

What goes in and comes out can be sent to another process.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from streams.binding import BoundMessages, MessageBinder
from streams.messages.message import Message
from streams.messages.outbox import Outbox, OutMessage
from streams.records import Sample
from streams.service.crash_notes import CrashNotes
from streams.settings import StreamSettings
from streams.stopwatch import Stopwatch
from streams.worker.bind_counts import BindCounts
from streams.worker.history_watch import HistoryFigures
from streams.worker.mailbox import WantedModel
from streams.worker.model_build import BuildEnd, ModelBuild
from streams.worker.portable_error import portable


class Begun(NamedTuple):
    """The version that binds now, and what the wanted model was refused for if it was."""

    version: int
    refusal: Exception | None


class Answered(NamedTuple):
    """What is to be written for some messages, and what is counted of them."""

    written: list[OutMessage]
    counts: BindCounts


class BindWork:
    """The binder of the present assignment, and the generation that is built for it.

    Args:
        settings: Of the worker.
        clock: Seconds from any beginning, as `time.perf_counter` gives them.
    """

    def __init__(self, settings: StreamSettings, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._outbox = Outbox(settings.topics)
        self._crashes = CrashNotes(Path(settings.runtime.data_dir))
        self._models = ModelBuild(clock)
        self._forgotten: set[str] = set()
        self._bound: MessageBinder | None = None

    @property
    def bound(self) -> MessageBinder:
        """The binder; an assignment must have begun."""
        assert self._bound is not None, "no assignment has begun"
        return self._bound

    def forget(self, sources: Iterable[str]) -> None:
        """Refuses samples of these sources from here on, and of no others."""
        self._forgotten.clear()
        self._forgotten.update(sources)

    def begin(self, bound: Sequence[Sample], worker: str, wanted: WantedModel, before: WantedModel) -> Begun:
        """Remembers these samples and nothing else, and binds by the wanted model, or the one before it.

        Args:
            bound: In the order in which they were written.
            worker: Its name in the Bindings.
            wanted: The model, whose generation is built before this returns.
            before: Is used where the wanted one is no good.
        """
        self._models.abandon()
        one = MessageBinder(self._settings, worker, Stopwatch(self._clock), self._forgotten)
        one.remember(bound)
        refusal = None
        try:
            self._use(one, wanted)
        except Exception as error:  # whatever is wrong with a new model, the present one goes on
            refusal = portable(error)
            self._use(one, before)
        self._bound = one
        return Begun(one.binder.version, refusal)

    def remember(self, bound: Sequence[Sample]) -> None:
        """Takes samples that another worker has bound."""
        self.bound.remember(bound)

    def remember_more(self, bound: Sequence[Sample], worker: str) -> None:
        """Takes samples that others have bound; Bindings name `worker` from here on."""
        self.bound.remember_more(bound, worker)

    def accept(self, messages: Sequence[Message]) -> list[Answered]:
        """What comes of a micro-batch: one answer, but more where a message was near an earlier crash."""
        return [self._answered(self._accepted(part)) for part in self._crashes.parts(messages)]

    def want(self, model: WantedModel) -> None:
        """Begins to build that model's generation, instead of any other."""
        self._models.want(model)

    def step(self) -> BuildEnd | None:
        """Goes on with the build; how it ended when it has, and then the generation is in use unless it is refused."""
        return self._models.step(self.bound.binder)

    def abandon(self) -> None:
        """Lets go of what is being built."""
        self._models.abandon()

    def figures(self) -> HistoryFigures:
        """Of history and index, now."""
        return HistoryFigures.of(self.bound.binder)

    def _use(self, one: MessageBinder, model: WantedModel) -> None:
        if model.version:
            one.binder.use(model.version, model.load())

    def _accepted(self, messages: Sequence[Message]) -> BoundMessages:
        with self._crashes.noted(messages):
            return self.bound.accept(messages)

    def _answered(self, done: BoundMessages) -> Answered:
        written = [*self._outbox.bindings(done.bindings), *self._outbox.rejects(done.rejects)]
        reasons = [reject.reason for reject in done.rejects]
        return Answered(written, BindCounts.of(done.bindings, reasons, done.n_repeated, done.seconds))
