"""Samples looked up in the log: read only as far as Bindings ask for them, so that few have to be held."""

import logging
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from streams.broker.log import LogError
from streams.messages.message import Message
from streams.recent import Recent
from streams.records import Sample
from trainer.topics.places import Place, PlaceBook, RangeReader, spans
from trainer.topics.records import readable_records

log = logging.getLogger(__name__)

POLL_MS = 300
POLL_MESSAGES = 50
# So many polls before the broker is asked where the log ends: mostly they bring what is wanted.
POLLS_BEFORE_ENDS = 3
ENDS_TIMEOUT_MS = 5_000
RETRY_S = 1.0
# Places kept of samples that could wait no longer; each takes about a hundredth of a sample's memory.
PLACES_A_WAITING_SAMPLE = 10


class SampleLog:
    """Finds samples by id, reading `samples` forward from `starts`.

    Samples that nobody has asked for yet wait here, at most `capacity`. Of the oldest, which go first, the places are
    kept, so that they can be read again; and where even those are forgotten, the log is searched for them from its
    beginning. Where each one that waits or was found lies is remembered: a later start knows from where to read.

    Args:
        consumer: Without a group; is assigned here.
        again: Reads ranges of the topic a second time.
        topic: Name of `samples`.
        n_partitions: How many it has.
        starts: Where to begin in each partition; at its first where it is not named.
        capacity: Of samples that wait.
        check: Gives back a sample that can be trained on, or raises InvalidRecord.
    """

    def __init__(
        self,
        consumer: KafkaConsumer,
        again: RangeReader,
        topic: str,
        n_partitions: int,
        starts: Mapping[int, int] | None = None,
        capacity: int = 20_000,
        check: Callable[[Sample], Sample] = lambda sample: sample,
    ) -> None:
        self._check = check
        self.n_unreadable = self.n_lost = self.n_again = 0
        self._consumer, self._again, self._topic = consumer, again, topic
        self._tps = [TopicPartition(topic, partition) for partition in range(n_partitions)]
        self.capacity, self.book_capacity = capacity, capacity * PLACES_A_WAITING_SAMPLE
        self._places: dict[str, Place] = {}
        self._n_tidy = 0
        self._waiting: Recent[str, Sample] = Recent(capacity, on_drop=self._let_go)
        self._book = PlaceBook(self.book_capacity, starts)
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

    @property
    def n_places(self) -> int:
        """Places of samples that wait or were found."""
        return len(self._places)

    @property
    def n_booked(self) -> int:
        """Places of samples that can be read again."""
        return len(self._book)

    def find(
        self, sample_ids: Iterable[str], stop: threading.Event, on_wait: Callable[[], None] = lambda: None
    ) -> dict[str, Sample]:
        """The samples with these ids; one that does not lie before the log's present end is left out, and counted.

        1. Those that wait; 2. by their places, those that waited; 3. reading on, those that were never read; 4. once
        more from the beginning, as far as places are forgotten.

        Waits while the broker is away. Ends early when `stop` is set.

        Args:
            sample_ids: Which ones.
            stop: Ends the search.
            on_wait: Called again and again while it lasts.
        """
        wanted = set(sample_ids)
        found = {name: self._waiting.pop(name) for name in wanted & self._waiting.keys()}  # 1
        booked = {name: self._book.pop(name) for name in wanted & self._book.keys()}
        for partition, first, end in spans(booked.values()):  # 2
            self._read_again({partition: first}, {partition: end}, wanted, found, stop, on_wait)
        # What is gone from its place is nowhere else.
        n_gone = len(booked.keys() - found.keys())
        wanted -= booked.keys() - found.keys()
        self._read_on(wanted, found, stop, on_wait)  # 3
        known_from = {partition: end for partition, end in self._book.known_from.items() if end}
        is_short = len(found) < len(wanted) and known_from
        if is_short and self._read_again({}, known_from, wanted, found, stop, on_wait):  # 4
            self._book.known_from.clear()
        if n_lost := 0 if stop.is_set() else len(wanted) - len(found) + n_gone:
            self.n_lost += n_lost
            log.error("%d samples are nowhere in %s: their Bindings teach nothing", n_lost, self._topic)
        return found

    def starts_for(self, sample_ids: Collection[str]) -> dict[int, int]:
        """From where to read, in each partition, to find these samples again and all that wait or come later.

        All other places are forgotten, but those of samples that could wait no longer.
        """
        needed = {*sample_ids, *self._waiting}
        self._places = {name: place for name, place in self._places.items() if name in needed}
        self._n_tidy = len(self._places)
        starts = {tp.partition: int(self._consumer.position(tp)) for tp in self._tps}
        for partition, offset in self._places.values():
            starts[partition] = min(starts[partition], offset)
        return starts

    def tidy(self, sample_ids: Callable[[], Collection[str]]) -> None:
        """Forgets the places of all samples but these and those that wait, where they have become many."""
        if len(self._places) > 2 * self._n_tidy + self.capacity:
            self.starts_for(sample_ids())

    def close(self) -> None:
        """Leaves the broker."""
        self._consumer.close()

    def _read_on(
        self, wanted: set[str], found: dict[str, Sample], stop: threading.Event, on_wait: Callable[[], None]
    ) -> None:
        """Reads on until all are found or the end is reached that the log had when it took long."""
        ends: Mapping[TopicPartition, int] | None = None
        n_polls = 0
        while len(found) < len(wanted) and not stop.is_set():
            polled = self._consumer.poll(POLL_MS, max_records=POLL_MESSAGES)
            for tp, messages in sorted(polled.items()):
                for message in messages:
                    samples, n_faults = readable_records(message, Sample, self._check)
                    self.n_unreadable += n_faults
                    for sample in samples:
                        self._take(sample, Place(tp.partition, message.offset), wanted, found)
            n_polls += 1
            on_wait()
            if ends is None and n_polls >= POLLS_BEFORE_ENDS:
                ends = self._ends(stop)
            # Not "when nothing comes any more": on a busy topic something always does.
            if ends is not None and all(self._consumer.position(tp) >= end for tp, end in ends.items()):
                break

    def _take(self, sample: Sample, place: Place, wanted: set[str], found: dict[str, Sample]) -> None:
        # A sample that is written again, after a crash, is the same: its first place is enough.
        if sample.sample_id not in self._places and sample.sample_id not in self._book:
            self._places[sample.sample_id] = place
            (found if sample.sample_id in wanted else self._waiting)[sample.sample_id] = sample

    def _read_again(
        self,
        starts: Mapping[int, int],
        ends: Mapping[int, int],
        wanted: set[str],
        found: dict[str, Sample],
        stop: threading.Event,
        on_wait: Callable[[], None],
    ) -> bool:
        """Finds what is wanted in these ranges; whether the places of all the rest are known afterwards."""
        is_all = True
        for message in self._patiently(starts, ends, stop, on_wait):
            place = Place(message.partition, message.offset)
            for sample in message.decoded(Sample, self._check)[0]:
                if sample.sample_id in wanted and sample.sample_id not in found:
                    found[sample.sample_id], self._places[sample.sample_id] = sample, place
                    self.n_again += 1
                elif sample.sample_id not in self._places:
                    is_all = is_all and self._book.has_room
                    if is_all:
                        self._book.setdefault(sample.sample_id, place)
            if len(found) == len(wanted):
                return False
        return is_all and not stop.is_set()

    def _patiently(
        self, starts: Mapping[int, int], ends: Mapping[int, int], stop: threading.Event, on_wait: Callable[[], None]
    ) -> Iterator[Message]:
        """The messages of these ranges; while the broker is away, again from the start."""
        while not stop.is_set():
            try:
                for message in self._again(starts, ends):
                    on_wait()
                    yield message
                    if stop.is_set():
                        return
                return
            except (LogError, KafkaError) as error:
                log.warning("cannot read %s again, trying once more: %s", self._topic, error)
                on_wait()
                stop.wait(RETRY_S)

    def _let_go(self, sample_id: str, sample: Sample) -> None:
        self._book[sample_id] = self._places.pop(sample_id)

    def _ends(self, stop: threading.Event) -> Mapping[TopicPartition, int] | None:
        """The present end of each partition; None, after a moment, while the broker is away."""
        try:
            ends = self._consumer.end_offsets(self._tps, timeout_ms=ENDS_TIMEOUT_MS)
        except KafkaError:
            stop.wait(RETRY_S)
            return None
        # The embedded broker tells a smaller end here than with what it delivers.
        return {tp: max(int(ends[tp]), self._consumer.highwater(tp) or 0) for tp in self._tps}
