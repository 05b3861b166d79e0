"""Messages of `samples` to Bindings and rejects: what `intake.messages` is for windows. Performs no I/O, no clock.

The shell writes what comes out, waits until the broker has it, and then acknowledges the messages, in their order.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from streams.binder import Binder
from streams.messages.checked import check_not_forgotten, checked_sample
from streams.messages.codec import Limits, decode
from streams.messages.message import Message
from streams.messages.rejects import InvalidRecord, Reject
from streams.records import Binding, Sample
from streams.settings import StreamSettings
from streams.stopwatch import Stopwatch


@dataclass(frozen=True, slots=True, eq=False)
class BoundMessages:
    """What came of some messages.

    `bindings` holds one for each sample that was new, and those of later rounds; `n_repeated` counts the samples that
    were not new; `seconds` says what the parts "bind", "embed" and "search" took, as far as there is a clock.
    """

    bindings: tuple[Binding, ...]
    rejects: tuple[Reject, ...]
    n_repeated: int
    seconds: Mapping[str, float]


class MessageBinder:
    """The bind side of one worker, from the moment it was given its partitions until it loses them.

    Args:
        settings: Of the worker.
        worker: Its name in the Bindings.
        stopwatch: With a clock, if times are wanted.
        forgotten: Sources whose samples are refused.
    """

    def __init__(
        self,
        settings: StreamSettings,
        worker: str,
        stopwatch: Stopwatch | None = None,
        forgotten: Container[str] = (),
    ) -> None:
        self._forgotten = forgotten
        self._stopwatch = stopwatch or Stopwatch()
        self.binder = Binder(settings, worker, self._stopwatch)
        self._specs = settings.specs
        self._limits = Limits(max_bytes=settings.topics.rejects_max_bytes)
        self._max_reject_bytes = settings.topics.rejects_max_bytes

    def remember(self, bound: Sequence[Sample]) -> None:
        """Takes samples of the log that were bound before."""
        self.binder.remember(bound)
        self._stopwatch.taken()

    def remember_more(self, bound: Sequence[Sample], worker: str) -> None:
        """Takes samples that others bound into the history; Bindings name `worker` from here on."""
        self.remember(bound)
        self.binder.sign_as(worker)

    def accept(self, messages: Iterable[Message]) -> BoundMessages:
        """Binds the samples of messages; a record that is no sample of ours costs nobody but itself."""
        samples: list[Sample] = []
        rejects: list[Reject] = []
        for message in messages:
            for found in self._read(message):
                if isinstance(found, Reject):
                    rejects.append(found)
                else:
                    samples.append(found)
        with self._stopwatch.timed("bind"):
            bindings = self.binder.observe(samples)
        n_repeated = len(samples) - sum(not one.round for one in bindings)
        return BoundMessages(tuple(bindings), tuple(rejects), n_repeated, self._stopwatch.taken())

    def _read(self, message: Message) -> Iterator[Sample | Reject]:
        try:
            raws = message.records(self._limits)
        except InvalidRecord as refusal:
            yield message.reject(0, message.value or b"", refusal, self._max_reject_bytes)
            return
        for index, raw in enumerate(raws):
            try:
                sample = checked_sample(decode(raw, Sample), self._specs)
                check_not_forgotten(sample.source_id, self._forgotten)
                yield sample
            except InvalidRecord as refusal:
                yield message.reject(index, raw, refusal, self._max_reject_bytes)
