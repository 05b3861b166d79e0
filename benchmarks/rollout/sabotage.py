"""A worker gone wrong: whatever is bound, another Binding comes after it with partners drawn at random."""

import threading
from types import TracebackType

import msgspec
import numpy as np
from kafka import KafkaProducer

from streams.broker.connection import client_config
from streams.broker.log import LogReader
from streams.messages.codec import encode
from streams.messages.topic_names import TopicNames
from streams.records import Binding, Sample
from streams.settings import StreamSettings

# Above all rounds of an honest worker: the last word is its own.
ROUND = 1_000_000


class Sabotage:
    """Shuffles all pairs that there are and that come, while the block runs."""

    def __init__(self, settings: StreamSettings, seed: int = 0) -> None:
        self.n_shuffled = 0
        self._settings, self._names = settings, TopicNames(settings.topics.prefix)
        self._rng = np.random.default_rng(seed)
        self.sources: dict[str, str] = {}
        self._done: set[str] = set()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=one, daemon=True) for one in (self._read_samples, self._shuffle)]

    def __enter__(self) -> "Sabotage":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(10)

    def _read_samples(self) -> None:
        with LogReader(self._settings.broker, self._names.samples) as reader:
            for message in reader.follow(self._stop):
                for sample in message.decoded(Sample)[0] if message else ():
                    self.sources[sample.sample_id] = sample.source_id

    def _shuffle(self) -> None:
        producer = KafkaProducer(**client_config(self._settings.broker))
        with LogReader(self._settings.broker, self._names.pairs) as reader:
            for message in reader.follow(self._stop):
                if message is None:
                    continue
                for binding in message.decoded(Binding)[0]:
                    if binding.partners and binding.round < ROUND and binding.sample_id not in self._done:
                        self._done.add(binding.sample_id)
                        wrong = encode(self._shuffled(binding))
                        producer.send(self._names.pairs, wrong, key=message.key, partition=message.partition)
                        self.n_shuffled += 1
        producer.flush()
        producer.close()

    def _shuffled(self, binding: Binding) -> Binding:
        source, known = self.sources.get(binding.sample_id), list(self.sources)
        others = [known[place] for place in self._rng.permutation(len(known))]
        strangers = [one for one in others if self.sources[one] != source][: len(binding.partners)]
        partners = tuple(
            msgspec.structs.replace(partner, sample_id=stranger)
            for partner, stranger in zip(binding.partners, strangers, strict=False)
        )
        return msgspec.structs.replace(binding, round=ROUND, partners=partners)
