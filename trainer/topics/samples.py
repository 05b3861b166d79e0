"""Samples looked up in the log: read only as far as Bindings ask for them, so that few have to be held."""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from streams.recent import Recent
from streams.records import Sample
from trainer.topics.records import readable_records

log = logging.getLogger(__name__)

POLL_MS = 300
POLL_MESSAGES = 50
# So many polls before the broker is asked where the log ends: mostly they bring what is wanted.
POLLS_BEFORE_ENDS = 3
RETRY_S = 1.0


class SampleLog:
    """Finds samples by id, reading `samples` forward from `starts`.

    Samples that nobody has asked for yet wait here, at most `capacity`, the oldest going first. Where each one that
    waits or was found lies in the log is remembered, so that a later start knows from where to read again.

    Args:
        consumer: Without a group; is assigned here.
        topic: Name of `samples`.
        n_partitions: How many it has.
        starts: Where to begin in each partition; at its first where it is not named.
        capacity: Of samples that wait.
        check: Gives back a sample that can be trained on, or raises InvalidRecord.
    """

    def __init__(
        self,
        consumer: KafkaConsumer,
        topic: str,
        n_partitions: int,
        starts: Mapping[int, int] | None = None,
        capacity: int = 20_000,
        check: Callable[[Sample], Sample] = lambda sample: sample,
    ) -> None:
        self._check = check
        self.n_unreadable = 0
        self.n_lost = 0
        self._consumer, self._topic = consumer, topic
        self._tps = [TopicPartition(topic, partition) for partition in range(n_partitions)]
        self._places: dict[str, tuple[int, int]] = {}
        self._waiting: Recent[str, Sample] = Recent(capacity, on_drop=self._forget)
        consumer.assign(self._tps)
        for tp in self._tps:
            if starts and tp.partition in starts:
                consumer.seek(tp, starts[tp.partition])
            else:
                consumer.seek_to_beginning(tp)

    @property
    def n_waiting(self) -> int:
        """Samples that were read and not asked for."""
        return len(self._waiting)

    def find(self, sample_ids: Iterable[str], stop: threading.Event) -> dict[str, Sample]:
        """The samples with these ids; one that does not lie before the log's present end is left out, and counted.

        Waits while the broker is away. Ends early when `stop` is set.
        """
        wanted = set(sample_ids)
        found = {name: self._waiting.pop(name) for name in wanted & self._waiting.keys()}
        ends: Mapping[TopicPartition, int] | None = None
        n_polls = 0
        while len(found) < len(wanted) and not stop.is_set():
            self._read_on(wanted, found)
            n_polls += 1
            if ends is None and n_polls >= POLLS_BEFORE_ENDS:
                ends = self._ends(stop)
            # Not "when nothing comes any more": on a busy topic something always does.
            if ends is not None and all(self._consumer.position(tp) >= end for tp, end in ends.items()):
                break
        if n_lost := 0 if stop.is_set() else len(wanted) - len(found):
            self.n_lost += n_lost
            log.error("%d samples are nowhere in %s: their Bindings teach nothing", n_lost, self._topic)
        return found

    def starts_for(self, sample_ids: Iterable[str]) -> dict[int, int]:
        """From where to read, in each partition, to find these samples again and all that wait or come later.

        All other places are forgotten.
        """
        needed = {*sample_ids, *self._waiting}
        self._places = {name: place for name, place in self._places.items() if name in needed}
        starts = {tp.partition: int(self._consumer.position(tp)) for tp in self._tps}
        for partition, offset in self._places.values():
            starts[partition] = min(starts[partition], offset)
        return starts

    def close(self) -> None:
        """Leaves the broker."""
        self._consumer.close()

    def _read_on(self, wanted: set[str], found: dict[str, Sample]) -> None:
        """Reads a little further."""
        polled = self._consumer.poll(POLL_MS, max_records=POLL_MESSAGES)
        for tp, messages in sorted(polled.items()):
            for message in messages:
                samples, n_faults = readable_records(message, Sample, self._check)
                self.n_unreadable += n_faults
                for sample in samples:
                    # A sample that is written again, after a crash, is the same: its first place is enough.
                    if sample.sample_id not in self._places:
                        self._places[sample.sample_id] = (tp.partition, message.offset)
                        (found if sample.sample_id in wanted else self._waiting)[sample.sample_id] = sample

    def _forget(self, sample_id: str, sample: Sample) -> None:
        del self._places[sample_id]

    def _ends(self, stop: threading.Event) -> Mapping[TopicPartition, int] | None:
        """The present end of each partition; None, after a moment, while the broker is away."""
        try:
            ends = self._consumer.end_offsets(self._tps)
        except KafkaError:
            stop.wait(RETRY_S)
            return None
        # The embedded broker tells a smaller end here than with what it delivers.
        return {tp: max(int(ends[tp]), self._consumer.highwater(tp) or 0) for tp in self._tps}
