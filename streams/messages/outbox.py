"""Records to messages: gathered by target partition, no longer than a message may be. Performs no I/O."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from kafka.partitioner import murmur2

from encoders.schema import SCHEMA
from streams.messages.codec import CONTENT_TYPE_HEADER, MSGPACK_TYPE, SCHEMA_HEADER, batches, encode
from streams.messages.rejects import Header, Reject, reject_headers
from streams.messages.scaling_key import scaling_key
from streams.messages.topic_names import TopicNames
from streams.records import Binding, LabelRecord, NodeScaling, Sample, SampleEmbedding, SampleLabel
from streams.settings import TopicSettings

HEADERS = ((CONTENT_TYPE_HEADER, MSGPACK_TYPE.encode()), (SCHEMA_HEADER, SCHEMA.encode()))
OVERHEAD_BYTES = 2_000  # key, headers and framing of a message of ours are shorter than that


@dataclass(frozen=True, slots=True, eq=False)
class OutMessage:
    """One message to be written; without a partition its key decides, without a value it is a tombstone."""

    topic: str
    partition: int | None
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...] = ()


class Outbox:
    """Makes messages of what the stages have to write."""

    def __init__(self, topics: TopicSettings) -> None:
        self._topics = topics
        self._names = TopicNames(topics.prefix)

    def samples(self, samples: Sequence[Sample]) -> Iterator[OutMessage]:
        """Messages for `samples`; within a partition in order."""
        return self._gathered(self._names.samples, self._topics.sample_partitions, samples)

    def bindings(self, bindings: Sequence[Binding]) -> Iterator[OutMessage]:
        """Messages for `pairs`; within a partition in order."""
        return self._gathered(self._names.pairs, self._topics.pair_partitions, bindings)

    def scalings(self, scalings: Sequence[NodeScaling]) -> Iterator[OutMessage]:
        """Messages for `scalings`, one for each."""
        for one in scalings:
            key = scaling_key(one.source_id, one.modality)
            yield OutMessage(self._names.scalings, 0, key, encode(one), HEADERS)

    def embeddings(self, embeddings: Sequence[SampleEmbedding]) -> Iterator[OutMessage]:
        """Messages for `embeddings`, one for each; of one source in order."""
        for one in embeddings:
            key = one.source_id.encode()
            yield OutMessage(self._names.embeddings, self._home(key), key, encode(one), HEADERS)

    def forgotten_scalings(self, source_id: str, modalities: Iterable[str]) -> Iterator[OutMessage]:
        """Tombstones for all that `scalings` may say of a source."""
        for modality in modalities:
            yield OutMessage(self._names.scalings, 0, scaling_key(source_id, modality), None)

    def labels(self, labels: Sequence[LabelRecord]) -> Iterator[OutMessage]:
        """Messages for `labels`, one for each; of one sample, or one source, in order."""
        for one in labels:
            key = (one.sample_id or one.source_id or "").encode()
            yield OutMessage(self._names.labels, self._home(key), key, encode(one), HEADERS)

    def labelled(self, labels: Sequence[SampleLabel]) -> Iterator[OutMessage]:
        """Messages for `labelled`; within a partition in order."""
        return self._gathered(self._names.labelled, self._topics.partitions, labels)

    def rejects(self, rejects: Sequence[Reject]) -> Iterator[OutMessage]:
        """Messages for `rejects`, one for each."""
        for reject in rejects:
            yield OutMessage(self._names.rejects, self._home(reject.key), reject.key, reject.value, reject.headers)

    def instead(self, refused: OutMessage) -> OutMessage:
        """What goes to `rejects` for a message that the broker found too long.

        Raises:
            ValueError: If it is one of these already.
        """
        value = refused.value or b""
        if refused.topic != self._names.rejects:
            detail = f"{len(value)} bytes, longer than the broker takes in {refused.topic}"
            where = reject_headers(refused.topic, refused.partition or 0, -1, 0, "too-large", "", detail)
            reject = Reject(refused.key, value, refused.headers + where, "too-large")
            reject = reject.fitted(self._topics.rejects_max_bytes)
        else:
            reject = Reject(refused.key, value, refused.headers, "too-large").digest()
            if len(reject.value) == len(value):
                raise ValueError(f"{refused.topic} does not even take {len(value)} bytes")
        return next(self.rejects([reject]))

    def _gathered(
        self, topic: str, n_partitions: int, records: Sequence[Sample] | Sequence[Binding] | Sequence[SampleLabel]
    ) -> Iterator[OutMessage]:
        by_partition: dict[int, list[Sample | Binding | SampleLabel]] = {}
        for record in records:
            by_partition.setdefault(partition_of(record.sample_id.encode(), n_partitions), []).append(record)
        for partition, own in by_partition.items():
            for taken, value in batches(own, self._topics.max_message_bytes - OVERHEAD_BYTES):
                yield OutMessage(topic, partition, taken[0].sample_id.encode(), value, HEADERS)

    def _home(self, key: bytes | None) -> int:
        return partition_of(key, self._topics.partitions) if key else 0


def partition_of(key: bytes, n_partitions: int) -> int:
    """The partition of a key among `n_partitions`, as Kafka's own clients choose it."""
    return int(murmur2(key) & 0x7FFFFFFF) % n_partitions
