"""Where a consumer group stands in partitions: what it has committed, and what the broker still has."""

from collections.abc import Iterable
from dataclasses import dataclass

from kafka import TopicPartition

from streams.broker.log import log_consumer
from streams.settings import BrokerSettings


@dataclass(frozen=True, slots=True)
class GroupOffset:
    """Of one partition: the first message that the broker still has, and what is committed, if anything is."""

    first: int
    committed: int | None

    @property
    def start(self) -> int:
        """The first message that the group will read."""
        return self.first if self.committed is None else max(self.first, self.committed)

    @property
    def n_lost(self) -> int:
        """Messages that the broker deleted before the group read them."""
        return 0 if self.committed is None else max(0, self.first - self.committed)


def group_offsets(
    broker: BrokerSettings,
    group_id: str,
    places: Iterable[tuple[str, int]],
    if_there: Iterable[tuple[str, int]] = (),
) -> dict[tuple[str, int], GroupOffset]:
    """Where a group stands, by topic and partition.

    Args:
        broker: How to reach it.
        group_id: Of the group.
        places: Partitions that the broker has.
        if_there: Partitions that are left out where it has none such.

    Raises:
        LogError: If the broker cannot be used.
    """
    consumer = log_consumer(broker, group_id=group_id)
    try:
        there = [one for one in if_there if one[1] in (consumer.partitions_for_topic(one[0]) or ())]
        tps = [TopicPartition(*one) for one in dict.fromkeys([*places, *there])]
        firsts = consumer.beginning_offsets(tps) if tps else {}
        committed = {tp: consumer.committed(tp) for tp in tps}
    finally:
        consumer.close()
    return {
        (tp.topic, tp.partition): GroupOffset(int(firsts[tp]), None if at is None or at < 0 else int(at))
        for tp, at in committed.items()
    }
