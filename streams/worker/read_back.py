"""What a worker reads back from `samples` when it starts or is given partitions. Binds nothing and commits nothing.

The log is the truth: no state is kept beside it. The last samples of every partition bring back what ingest knows of
the sources; those of a worker's own partitions, up to what it has committed, bring back what binding remembers.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from streams.broker.log import LogReader
from streams.messages.message import Message
from streams.records import Sample
from streams.settings import BrokerSettings

FIRST_BLOCK_MESSAGES = 64
GROWTH = 4


Placed: TypeAlias = tuple[Message, Sample]


@dataclass(frozen=True, slots=True, eq=False)
class ReadBack:
    """Samples in the order in which they were written, as far as several partitions have one.

    `recent`: the last ones of all partitions. `placed`: those of one's own that were bound before, with their messages.
    """

    recent: list[Sample] = field(default_factory=list)
    placed: list["Placed"] = field(default_factory=list)

    def bound(self, starts: Mapping[int, int]) -> list[Sample]:
        """Those bound before in these partitions, from these offsets on."""
        return in_order(
            (message, sample)
            for message, sample in self.placed
            if message.partition in starts and message.offset >= starts[message.partition]
        )


def read_back(
    broker: BrokerSettings,
    topic: str,
    committed: Mapping[int, int | None],
    n_samples: int,
    check: Callable[[Sample], Sample],
    apart: Callable[[Message], Iterable[Message]] = lambda message: [message],
) -> ReadBack:
    """The last samples of all partitions, and those of one's own that were bound before.

    Args:
        committed: Own partitions and the offset up to which each was bound; None where nothing was committed.
        n_samples: How many to read back, shared evenly by the partitions; a few more may come.
        check: Of each sample; what does not pass is passed over, as it was when it was bound.
        apart: Gives a message as one or more, with a refusal where one is passed over too.

    Raises:
        LogError: If the topic cannot be read.
    """

    def samples(message: Message) -> list[Sample]:
        return samples_in(apart(message), check)

    with LogReader(broker, topic) as reader:
        ends = reader.ends()
        own = {partition: min(offset or 0, ends[partition]) for partition, offset in committed.items()}
        share = -(-n_samples // max(1, len(own)))
        bound = read_tail(reader, own, share, samples)
        # What lies behind the own part was written but not bound yet: ingest must know it, binding is still to come.
        others = {partition: end for partition, end in ends.items() if partition not in own}
        rest = read_tail(reader, others, -(-n_samples // len(ends)), samples)
        ahead = list(reader.read(own, {p: ends[p] for p in own if ends[p] > own[p]}))
    return ReadBack(in_order([*bound, *rest, *((m, sample) for m in ahead for sample in samples(m))]), bound)


def samples_in(messages: Iterable[Message], check: Callable[[Sample], Sample]) -> list[Sample]:
    """Those that pass: what is no sample went to rejects when it was bound."""
    return [sample for one in messages for sample in one.decoded(Sample, check)[0]]


def read_tail(
    reader: LogReader, ends: Mapping[int, int], n_samples: int, samples: Callable[[Message], list[Sample]]
) -> list[Placed]:
    """The last `n_samples` or a few more of each partition before its end, read backwards in growing blocks."""
    firsts = reader.starts()
    found: list[Placed] = []
    blocks = dict.fromkeys(ends, FIRST_BLOCK_MESSAGES)
    missing = dict.fromkeys(ends, n_samples)
    upto = {partition: end for partition, end in ends.items() if end > firsts[partition]}
    while upto:
        starts = {p: max(firsts[p], end - blocks[p]) for p, end in upto.items()}
        for message in reader.read(starts, upto):
            own = samples(message)
            found += [(message, sample) for sample in own]
            missing[message.partition] -= len(own)
        upto = {p: start for p, start in starts.items() if start > firsts[p] and missing[p] > 0}
        blocks = {p: n * GROWTH for p, n in blocks.items()}
    return found


def in_order(placed: Iterable[Placed]) -> list[Sample]:
    """The samples in the order in which they were written: each partition's by offset, partitions mixed by time.

    By time alone a partition's own order would be lost: several workers write to it, each at its own time.
    """
    latest_ms: dict[int, int] = {}
    timed: list[tuple[tuple[int, int, int], Sample]] = []
    for message, sample in sorted(placed, key=lambda one: one[0].offset):
        partition, sent_ms = message.partition, message.timestamp_ms
        latest_ms[partition] = max(sent_ms, latest_ms.get(partition, sent_ms))
        timed.append(((latest_ms[partition], partition, message.offset), sample))
    return [sample for _, sample in sorted(timed, key=lambda one: one[0])]
