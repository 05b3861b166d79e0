"""Messages of windows to samples and rejects, and which messages may then be acknowledged.

The shell sends what an Emission holds, waits until the broker has it, and hands the Emission to `resolved`, which
says what may be acknowledged. Reads no clock, and of files only the keys of signatures, at the start.
"""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from streams.intake.acknowledgement import Acknowledgement, TopicPartition
from streams.intake.group import Group
from streams.intake.node_watch import Doubt, NodeWatch
from streams.intake.read_marks import ReadMarks
from streams.intake.throttle import ModalityPartition, Throttle
from streams.intake.windows import Intake
from streams.messages.checked import check_not_forgotten
from streams.messages.codec import Limits, decode_window
from streams.messages.message import Message, Place
from streams.messages.rejects import InvalidRecord, Reject
from streams.messages.signature import Signatures
from streams.recent import Recent
from streams.records import Sample
from streams.settings import StreamSettings

MAX_HOMES = 50_000
BYTES_PER_MB = 1 << 20


@dataclass(frozen=True, slots=True, eq=False)
class Emission:
    """What is to be sent, and the messages a record of which is resolved once it is.

    `n_windows` counts the records read for it, whatever became of them; `n_repeated` those of them dropped because a
    recalled sample holds them, and messages that were read again; `n_strayed` those whose source also came in
    another partition. `doubts`: what has become doubtful with a node.
    """

    samples: tuple[Sample, ...] = ()
    rejects: tuple[Reject, ...] = ()
    places: tuple[Place, ...] = ()
    n_windows: int = 0
    n_repeated: int = 0
    n_strayed: int = 0
    doubts: tuple[Doubt, ...] = ()

    @classmethod
    def joined(cls, emissions: Iterable["Emission"]) -> "Emission":
        """Several Emissions as one, in their order."""
        many = list(emissions)
        return cls(
            samples=tuple(one for some in many for one in some.samples),
            rejects=tuple(one for some in many for one in some.rejects),
            places=tuple(one for some in many for one in some.places),
            n_windows=sum(some.n_windows for some in many),
            n_repeated=sum(some.n_repeated for some in many),
            n_strayed=sum(some.n_strayed for some in many),
            doubts=tuple(one for some in many for one in some.doubts),
        )


class Ingest:
    """The ingest of one worker, from the moment it was given its partitions until it loses them.

    After each rebalance: send what is under way, make a new one, `recall` the samples of the log, all partitions of
    it, since a source's samples lie in all of them.

    Args:
        settings: Of the worker.
        starts: The first offset to come, of each partition of windows that was given.
        forgotten: Sources whose windows are refused.
    """

    def __init__(
        self,
        settings: StreamSettings,
        starts: Mapping[TopicPartition, int] | None = None,
        forgotten: Container[str] = (),
    ) -> None:
        self._forgotten = forgotten
        self._topic_start = f"{settings.topics.prefix}windows."
        self.marks = ReadMarks(starts or {})
        given = {(self._modality(topic), partition) for topic, partition in starts or {}}
        self._throttle = Throttle(given, round(settings.ingest.max_waiting_mb * BYTES_PER_MB))
        self._max_reject_bytes = settings.topics.rejects_max_bytes
        self._signatures = Signatures.of(settings.ingest.keys_file)
        self._limits = Limits(settings.ingest.max_records, settings.topics.rejects_max_bytes)
        self._intake = Intake(settings)
        self._books = Acknowledgement()
        self._nodes = NodeWatch(settings.ingest.hop_s)
        self._homes: Recent[str, int] = Recent(MAX_HOMES)  # the partition a source was first seen in

    @property
    def n_open(self) -> int:
        """Slots that wait for companions."""
        return self._intake.n_open

    @property
    def n_waiting(self) -> int:
        """Messages that may not be acknowledged yet."""
        return self._books.n_waiting

    @property
    def n_forced(self) -> int:
        """Samples that were closed for want of room."""
        return self._intake.n_forced

    @property
    def paused(self) -> frozenset[TopicPartition]:
        """What is not to be read for now, since its windows wait for those of topics that lag behind."""
        return frozenset(self._place(*one) for one in self._throttle.paused)

    def accept(self, message: Message, now_ns: int) -> Emission:
        """Takes a message; one that is already here, or was, is not used again."""
        self.marks.took(message.place)
        standing = self._books.standing(message.place)
        if standing == "waiting":
            return Emission(n_repeated=1)
        if standing == "done":
            self._books.begin(message.place, 1)
            return Emission(places=(message.place,), n_repeated=1)
        try:
            self._signatures.check(message)
            raws = message.records(self._limits)
        except InvalidRecord as refusal:
            self._books.begin(message.place, 1)
            reject = message.reject(0, message.value or b"", refusal, self._max_reject_bytes)
            return Emission(rejects=(reject,), places=(message.place,))
        if not raws:
            self._books.begin(message.place, 1)
            return Emission(places=(message.place,))
        self._books.begin(message.place, len(raws))
        taken = [self._take(message, index, raw, now_ns) for index, raw in enumerate(raws)]
        return taken[0] if len(taken) == 1 else Emission.joined(taken)

    def tick(self, now_ns: int) -> Emission:
        """What the grace closes; to be called several times a grace, after `marks` have observed."""
        intake, throttle = self._intake, self._throttle
        groups = intake.tick(now_ns, lambda modality, partition: self.marks.upto_ns(self._place(modality, partition)))
        throttle.decide(intake.waiting_bytes, self._is_behind)
        for partition in throttle.stuck(self._is_behind):
            groups += intake.make_room(partial(throttle.is_roomy, partition, intake.waiting_bytes), partition)
        throttle.decide(intake.waiting_bytes, self._is_behind)
        return self._emission(groups)

    def resolved(self, emission: Emission) -> dict[TopicPartition, list[int]]:
        """The offsets that may be acknowledged, in order, now that the broker has all of an Emission."""
        return self._books.resolve(emission.places)

    def recall(self, sample: Sample) -> None:
        """Takes up a sample from the log, in the log's order, before the first message."""
        self._intake.recall(sample)

    def _take(self, message: Message, index: int, raw: bytes, now_ns: int) -> Emission:
        modality = self._modality(message.topic)
        try:
            window = decode_window(raw)
            check_not_forgotten(window.source_id, self._forgotten)
            groups = self._intake.assemble(window, modality, message.key, message.place, now_ns)
        except InvalidRecord as refusal:
            reject = message.reject(index, raw, refusal, self._max_reject_bytes)
            return Emission(rejects=(reject,), places=(message.place,), n_windows=1)
        if groups is None:
            return Emission(places=(message.place,), n_windows=1, n_repeated=1)
        return self._emission(groups, n_windows=1, n_strayed=self._strays(window.source_id, message.partition))

    def _modality(self, topic: str) -> str:
        return topic.removeprefix(self._topic_start)

    def _place(self, modality: str, partition: int) -> TopicPartition:
        return f"{self._topic_start}{modality}", partition

    def _is_behind(self, one: ModalityPartition) -> bool:
        return self.marks.lag(self._place(*one)) > 0

    def _strays(self, source_id: str, partition: int) -> int:
        return int(self._homes.setdefault(source_id, partition) != partition)

    def _emission(self, groups: list[Group], n_windows: int = 0, n_strayed: int = 0) -> Emission:
        return Emission(
            samples=tuple(self._intake.sample(group) for group in groups),
            places=tuple(one.place for group in groups for one in group.arrivals),
            n_windows=n_windows,
            n_strayed=n_strayed,
            doubts=tuple(doubt for group in groups for doubt in self._nodes.observe(group)),
        )
