"""The harness's own reader, at work while a fault goes on: when samples and Bindings came."""

import itertools
import threading
import time
from collections.abc import Callable

from kafka import KafkaConsumer, TopicPartition

from streams.messages.codec import decode_many
from streams.messages.topic_names import TopicNames
from streams.records import Binding, Sample
from streams.settings import TopicSettings
from tests.chaos.sensors import Moment

POLL_MS = 100


class Witness:
    """Follows `samples` and `pairs` from their beginning, in a thread of its own, from `start` to `stop`.

    `moments` are the sources and starts of the samples by id, `modalities` of all that was written by that id,
    `bound_s` when each one's first Binding came.
    """

    def __init__(self, servers: str, names: TopicNames, topics: TopicSettings) -> None:
        self.moments: dict[str, Moment] = {}
        self.modalities: dict[str, frozenset[str]] = {}
        self.bound_s: dict[str, float] = {}
        self._names = names
        self._consumer = KafkaConsumer(
            bootstrap_servers=servers.split(","),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=POLL_MS,
            reconnect_backoff_max_ms=1000,
        )
        own = [TopicPartition(names.samples, number) for number in range(topics.sample_partitions)]
        own += [TopicPartition(names.pairs, number) for number in range(topics.pair_partitions)]
        self._consumer.assign(own)
        self._consumer.seek_to_beginning(*own)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="witness", daemon=True)

    def start(self) -> None:
        """Reads from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Reads no more."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self._consumer.close()

    def first_bound_s(self, is_meant: Callable[[Moment], bool]) -> dict[str, float]:
        """When the first Binding came of such moments of each source; those without one are left out."""
        came_s: dict[str, float] = {}
        # A copy in one step: the other thread adds to it, in order of time.
        for name, at_s in list(self.bound_s.items()):
            moment = self.moments.get(name)
            if moment is not None and is_meant(moment):
                came_s.setdefault(moment[0], at_s)
        return came_s

    def longest_silence_s(self, since_s: float) -> float:
        """The longest time between two Bindings of new samples since then."""
        times = [since_s, *(at_s for at_s in list(self.bound_s.values()) if at_s >= since_s)]
        return max((later - earlier for earlier, later in itertools.pairwise(times)), default=0.0)

    def _run(self) -> None:
        while not self._stop.is_set():
            for tp, records in self._consumer.poll(POLL_MS).items():
                for record in records:
                    self._note(tp.topic, record.value)

    def _note(self, topic: str, value: bytes) -> None:
        if topic == self._names.samples:
            for sample in decode_many(value, Sample):
                self.moments[sample.sample_id] = (sample.source_id, sample.start_ns)
                known = self.modalities.get(sample.sample_id, frozenset())
                self.modalities[sample.sample_id] = known.union(sample.windows)
        else:
            for binding in decode_many(value, Binding):
                self.bound_s.setdefault(binding.sample_id, time.monotonic())
