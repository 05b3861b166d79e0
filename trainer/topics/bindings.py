"""Bindings from `pairs`, read by the one trainer that holds all its partitions. Knows nothing of training."""

import logging
import time
from collections.abc import Iterator, Mapping
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from encoders.errors import MmbindError
from encoders.manifest import LogRange
from trainer.topics.arrived import ArrivedBinding, BindingHead, checked_head
from trainer.topics.even import EvenReading
from trainer.topics.membership import COMMIT_TIMEOUT_MS, Membership, OnAssigned
from trainer.topics.records import readable_with_bytes

log = logging.getLogger(__name__)

POLL_MESSAGES = 50
JOIN_POLL_MS = 300
# So many are given out at once, the rest of a message included: their samples are held together.
BATCH_BINDINGS = 1000
# So many may wait while a cycle is trained; past them nothing is read, and the group knows no longer that we live.
KEPT_BINDINGS = 10_000
# How long one partition may hold up the others, so long its broker may need to be replaced, and with how many Bindings
# of theirs waiting: the embedded broker sends all that it has of one before the next.
UNEVEN_S = 10.0
UNEVEN_BINDINGS = 20_000
ENDS_TIMEOUT_MS = 1_000


class DataGone(MmbindError):  # noqa: N818 - it says what is so
    """The log ends before what was read: the broker came back without its data."""


class BindingIntake:
    """All partitions of `pairs` or none: a trainer that must share them waits, reads nothing and may not commit.

    Where to go on is decided by the caller: from `offsets` at first, and from what is `done` after every rebalance.
    The group's committed offsets only tell others how far training is.

    Args:
        consumer: Of the trainer's group, without automatic commits; is subscribed here.
        topic: Name of `pairs`.
        n_partitions: How many it has.
        offsets: Where to begin in each partition; 0 where it is not named.
        firsts: Where training of these encoders began, for `ranges`.
    """

    def __init__(
        self,
        consumer: KafkaConsumer,
        topic: str,
        n_partitions: int,
        offsets: Mapping[int, int] | None = None,
        firsts: Mapping[int, int] | None = None,
    ) -> None:
        self.n_unreadable = 0
        self.n_deleted = 0
        self._n_read = self._n_messages = 0
        self._consumer, self._topic = consumer, topic
        self._tps = [TopicPartition(topic, partition) for partition in range(n_partitions)]
        self._next = dict.fromkeys(range(n_partitions), 0) | dict(offsets or {})
        self._firsts = dict(firsts or {})
        self._ends: dict[int, int] = {}
        self._is_fresh = False
        self.membership = Membership(consumer, topic, n_partitions, offsets or {})
        self._kept: EvenReading[ArrivedBinding] = EvenReading(range(n_partitions))
        self._empty: set[tuple[int, int]] = set()
        self._gave_s = time.monotonic()
        consumer.subscribe([topic], listener=OnAssigned(self.begin))

    @property
    def is_sole(self) -> bool:
        """Whether this trainer holds all partitions."""
        return self.membership.is_sole

    @property
    def knows_topic(self) -> bool:
        """Whether the broker has told of all partitions; not at once where the topic is new."""
        return len(self._consumer.partitions_for_topic(self._topic) or ()) >= len(self._tps)

    @property
    def n_kept(self) -> int:
        """Bindings that were read and not given out yet."""
        return self._kept.n_records

    @property
    def n_waiting(self) -> int:
        """About how many Bindings are not done yet, read or not; asks the broker as `lags` does."""
        return round(sum(self.lags().values()) * self._n_read / max(1, self._n_messages))

    @property
    def offsets(self) -> dict[int, int]:
        """Where to go on in each partition, by all that is done."""
        return dict(self._next)

    @property
    def firsts(self) -> dict[int, int]:
        """The first offset that was read of each partition."""
        return dict(self._firsts)

    @property
    def ranges(self) -> tuple[LogRange, ...]:
        """What the encoders were trained on so far."""
        return tuple(
            LogRange(topic=self._topic, partition=partition, first=first, end=self._next[partition])
            for partition, first in sorted(self._firsts.items())
        )

    def poll(self, timeout_ms: int) -> list[ArrivedBinding]:
        """The next Bindings in order of sending; none while another trainer holds partitions.

        Raises:
            DataGone: If the log is shorter than what was read.
        """
        self._look_around()
        arrived = self._take()
        if not arrived:
            self._read(timeout_ms)
            self.read_ahead(BATCH_BINDINGS)
            self._look_around()
            arrived = self._take()
        self._check_ends()
        return arrived

    def keep_alive(self, was_refused: bool = False) -> None:
        """Tells the group that this trainer lives; what comes in meanwhile is kept for `poll`.

        Takes a moment, however much is kept, while partitions are being given out or after the group refused a commit:
        to join again needs several answers of the broker, for which kafka-python does not wait in polls of 0 ms.
        """
        if was_refused or not self.is_sole:
            self._read(JOIN_POLL_MS)
        elif self._kept.n_records < KEPT_BINDINGS:
            self._read(0)

    def read_ahead(self, n_bindings: int) -> None:
        """Reads what is there already, until so many more are kept for `poll`, or as many as may be."""
        upto = min(self._kept.n_records + n_bindings, KEPT_BINDINGS)
        while self.is_sole and self._kept.n_records < upto and self._read(0):
            pass

    def done(self, arrived: ArrivedBinding) -> None:
        """The Binding need not come again."""
        self._firsts.setdefault(arrived.partition, arrived.offset)
        # A crash between two Bindings of one message repeats the first of them: they are known by identity.
        # One that came twice, since partitions were given out anew, takes nothing back.
        self._next[arrived.partition] = max(self._next[arrived.partition], arrived.offset + arrived.is_last)
        self._pass_empty(arrived.partition)

    def commit(self) -> bool:
        """Commits what is done; False while another trainer holds partitions.

        Raises:
            KafkaError: If the broker does not take it.
        """
        return self.membership.commit(self._next)

    def lags(self) -> dict[int, int]:
        """Messages of each partition that are not done yet, whether they were read or not.

        Asks the broker for the ends, which nothing tells while nothing is read; while it is away the last ones count.
        """
        try:
            told = self._consumer.end_offsets(self._tps, timeout_ms=ENDS_TIMEOUT_MS)
        except KafkaError:
            told = {}
        for tp in self._tps:
            # The embedded broker tells a smaller end when it is asked than with what it delivers.
            known = self._consumer.highwater(tp) if tp in self._consumer.assignment() else None
            self._ends[tp.partition] = max(self._ends.get(tp.partition, 0), told.get(tp, 0), known or 0)
        return {partition: max(0, end - self._next[partition]) for partition, end in self._ends.items()}

    def close(self) -> None:
        """Leaves the group."""
        self._consumer.close(autocommit=False, timeout_ms=COMMIT_TIMEOUT_MS)

    def begin(self) -> None:
        """Goes to what is not done yet, in the partitions held now. Called in the client's own thread: must not wait.

        What was read before and is not done comes a second time, and is known by identity.
        """
        for tp in self._consumer.assignment():
            self._consumer.seek(tp, self._next[tp.partition])
        self._kept.begin(self._next)
        self._empty.clear()
        self._is_fresh = True

    def _look_around(self) -> None:
        """After partitions were given out: what was deleted before it was read, and whether somebody else is there."""
        if not self._is_fresh:
            return
        held = sorted(self._consumer.assignment())
        if len(held) < len(self._tps):
            log.warning("another trainer holds %d of %d partitions", len(self._tps) - len(held), len(self._tps))
        starts = self._consumer.beginning_offsets(held, timeout_ms=COMMIT_TIMEOUT_MS) if held else {}
        self._is_fresh = False
        for tp, start in starts.items():
            n_deleted = start - self._next[tp.partition]
            if n_deleted > 0 and self._firsts:
                self.n_deleted += n_deleted
                log.error("%d messages of %s[%d] were deleted unread", n_deleted, tp.topic, tp.partition)
            self._next[tp.partition] = max(self._next[tp.partition], int(start))

    def _read(self, timeout_ms: int) -> bool:
        """Whether there was anything."""
        # Nothing is ever paused: kafka-python 3.0.12 at times delivers nothing any more afterwards.
        polled = self._consumer.poll(timeout_ms, max_records=POLL_MESSAGES)
        for tp, messages in sorted(polled.items()):
            for message in messages:
                arrived = list(self._arrived(tp.partition, message))
                self._kept.add(tp.partition, message.offset, message.timestamp, arrived)
                if not arrived:
                    self._empty.add((tp.partition, message.offset))
                    self._pass_empty(tp.partition)
        return bool(polled)

    def _pass_empty(self, partition: int) -> None:
        """Messages in which there is no Binding are done when all before them are."""
        while (place := (partition, self._next[partition])) in self._empty:
            self._empty.remove(place)
            self._next[partition] += 1

    def _take(self) -> list[ArrivedBinding]:
        if not self.is_sole:
            self._kept.begin(self._next)
            return []
        is_overdue = time.monotonic() - self._gave_s > UNEVEN_S or self._kept.n_records >= UNEVEN_BINDINGS
        ends = {tp.partition: self._consumer.highwater(tp) for tp in self._tps}
        arrived = self._kept.take(ends, is_overdue, BATCH_BINDINGS)
        if arrived or not self._kept.n_records:
            self._gave_s = time.monotonic()
        return arrived

    def _arrived(self, partition: int, message: Any) -> Iterator[ArrivedBinding]:
        heads, n_faults = readable_with_bytes(message, BindingHead, checked_head)
        self.n_unreadable += n_faults
        self._n_messages, self._n_read = self._n_messages + 1, self._n_read + len(heads)
        for place, (head, raw) in enumerate(heads, 1):
            yield ArrivedBinding(head, raw, partition, message.offset, is_last=place == len(heads))

    def _check_ends(self) -> None:
        for tp in self._consumer.assignment():
            end = self._consumer.highwater(tp)
            if end is not None and end < self._next[tp.partition]:
                upto = self._next[tp.partition]
                raise DataGone(f"{tp.topic}[{tp.partition}] ends at {end}, but was read up to {upto}")
