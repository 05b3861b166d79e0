"""Whether the partitions are ours, and how the group learns what is done."""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.subscription_state import ConsumerRebalanceListener
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata

from trainer.topics.consumers import SESSION_TIMEOUT_MS

log = logging.getLogger(__name__)

COMMIT_TIMEOUT_MS = 10_000
CONFIRM_TIMEOUT_MS = 1_000


class Membership:
    """One trainer's part in its group: all partitions or nothing.

    Args:
        consumer: Of the group.
        topic: Whose partitions they are.
        n_partitions: How many.
        committed: What a checkpoint has; may be committed again.
    """

    def __init__(self, consumer: KafkaConsumer, topic: str, n_partitions: int, committed: Mapping[int, int]) -> None:
        self._consumer, self._topic, self._n_partitions = consumer, topic, n_partitions
        self._committed = dict(committed)
        self._confirmed_s = float("-inf")

    @property
    def is_sole(self) -> bool:
        """Whether this trainer holds all partitions, as far as it knows."""
        return len(self._consumer.assignment()) == self._n_partitions

    @property
    def is_confirmed(self) -> bool:
        """Whether the broker took a commit of ours so lately that it cannot have given our partitions to another since.

        A process that was stopped for a while believes that it holds them long after.
        """
        return self.is_sole and time.monotonic() - self._confirmed_s < SESSION_TIMEOUT_MS / 1000

    def commit(self, offsets: Mapping[int, int]) -> bool:
        """Commits them; False while another trainer holds partitions, since then it is not ours to say.

        Raises:
            KafkaError: If the broker does not take it.
        """
        if not self.is_sole:
            return False
        self._commit(offsets, COMMIT_TIMEOUT_MS)
        self._committed = dict(offsets)
        return True

    def confirm(self) -> None:
        """Has the broker say again, by what was committed last, that the partitions are ours; does nothing before."""
        if self.is_sole and self._committed:
            try:
                self._commit(self._committed, CONFIRM_TIMEOUT_MS)
            except KafkaError as error:
                log.debug("the group does not confirm us: %s", error)

    def _commit(self, offsets: Mapping[int, int], timeout_ms: int) -> None:
        asked_s = time.monotonic()
        wanted = {TopicPartition(self._topic, one): OffsetAndMetadata(at, "", -1) for one, at in offsets.items()}
        self._consumer.commit(wanted, timeout_ms=timeout_ms)
        self._confirmed_s = asked_s


class OnAssigned(ConsumerRebalanceListener):  # type: ignore[misc]
    """Calls `begin` whenever partitions were given out, in the client's own thread."""

    def __init__(self, begin: Callable[[], None]) -> None:
        self._begin = begin

    def on_partitions_revoked(self, revoked: Any) -> None:
        """Nothing: the next assignment says where to go on."""

    def on_partitions_assigned(self, assigned: Any) -> None:
        """What is held now."""
        self._begin()
