"""`mmbind labels serve`: labels of a few samples in, labels of all samples out, as they come.

1. Read what was told and what was refused before, so that neither is written again.
2. Read samples, Bindings and labels from their start, then on.
3. Every `labelling.every_s` in which something new came: spread, and write what changed.
Nothing is committed: all that it knows it reads again when it starts. A crash between two writes repeats some.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

from deploy.labelling.topics import LabelProducer, bindings_of, labels_of, samples_of
from deploy.rejects.listing import refused_records
from deploy.rejects.record import Filter
from deploy.settings.config import Settings
from streams.broker.connection import connect_or_explain
from streams.broker.log import LogReader, read_all
from streams.forgotten import Forgotten
from streams.messages.message import Message
from streams.messages.topic_names import TopicNames
from streams.records import SampleLabel
from streams.service.lifecycle import (
    EXIT_BROKER_GONE,
    EXIT_DONE,
    find_topics,
    stopped_by_signals,
    wait_for_broker,
    watch_embedded,
)
from trainer.labelling.fleet import Fleet, changed

log = logging.getLogger(__name__)

IDLE_S = 0.2


def serve_labels(settings: Settings) -> int:
    """Runs until a signal comes; the exit code.

    Raises:
        BrokerUnreachable: If the broker cannot be used.
        TopicsError: If a topic is missing or not as the settings want it.
        LogError: If a topic cannot be read.
        CommandError: If the broker does not take what is written.
    """
    is_gone = threading.Event()

    def on_gone() -> None:
        is_gone.set()
        stop.set()

    with stopped_by_signals(threading.Event()) as stop:
        if wait_for_broker(settings.broker, stop):
            if find_topics(settings):
                watch_embedded(settings.broker, on_gone)
            with LabelProducer(settings) as producer, Service(settings, producer) as service:
                service.run(stop, time.monotonic)
    log.info("stopped")
    return EXIT_BROKER_GONE if is_gone.is_set() else EXIT_DONE


class Service:
    """Follows the topics, and writes what changed.

    Args:
        settings: Of the services.
        producer: Writes.

    Raises:
        BrokerUnreachable: If the broker cannot be used.
        LogError: If a topic is not there or cannot be read.
    """

    def __init__(self, settings: Settings, producer: LabelProducer) -> None:
        names = TopicNames(settings.topics.prefix)
        self._settings, self._producer = settings, producer
        self._fleet = Fleet(settings.specs, settings.shared_modality, settings.index.history_samples)
        self._said = _said_before(settings)
        self._refused = {one.place for one in refused_records(settings, Filter(topics=(names.labels,)))}
        self._forgotten = Forgotten(settings.broker, names.forgotten)
        self._stack = ExitStack()
        self._stop = threading.Event()
        topics = {names.samples: self._take_samples, names.pairs: self._take_bindings, names.labels: self._take_labels}
        self._news = [(self._following(topic), take) for topic, take in topics.items()]

    def __enter__(self) -> "Service":
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop.set()
        self._forgotten.close()
        self._stack.close()

    def run(self, stop: threading.Event, clock: Callable[[], float]) -> None:
        """Goes on until `stop` is set; what came last is not waited for.

        Raises:
            LogError: If the broker does not answer.
            CommandError: If it does not take what is written.
        """
        self._read()
        log.info("%d samples, %d labels given, %d told before", len(self._fleet), self.n_given, len(self._said))
        is_new, looked_s = True, float("-inf")
        while not stop.is_set():
            # Before anybody has said anything there is nothing to tell.
            if is_new and (self._said or self.n_given) and clock() - looked_s >= self._settings.labelling.every_s:
                is_new = False
                self._tell()
                looked_s = clock()
            is_new |= self._read() > 0
            stop.wait(IDLE_S)

    @property
    def n_given(self) -> int:
        """How many samples have a label that somebody gave."""
        return len(self._fleet.given)

    def _tell(self) -> None:
        """Writes what is not as it was told last."""
        own = self._settings.labelling
        labels = self._fleet.labels(own.min_probability)
        news = changed(labels, self._said, own.min_change)
        self._producer.send_labelled(news)
        # Of samples that the history has let go of, nothing is remembered.
        self._said = {one.sample_id: self._said.get(one.sample_id, one) for one in labels}
        self._said |= {one.sample_id: one for one in news}
        n_known = sum(one.label is not None for one in labels)
        log.info(
            "told %d labels: %d of %d samples are known, %d of them given",
            len(news),
            n_known,
            len(labels),
            self.n_given,
        )

    def _read(self) -> int:
        """Takes all that lies in the topics; how many messages."""
        for source_id in self._forgotten.poll():
            self._fleet.forget(source_id)
        n_messages = 0
        for news, take in self._news:
            while (message := next(news, None)) is not None:
                take(message)
                n_messages += 1
        return n_messages

    def _take_samples(self, message: Message) -> None:
        self._fleet.take_samples(
            one for one in samples_of(message, self._settings) if one.source_id not in self._forgotten
        )

    def _take_bindings(self, message: Message) -> None:
        self._fleet.take_bindings(bindings_of(message))

    def _take_labels(self, message: Message) -> None:
        records, refused = labels_of(message, self._settings.topics.rejects_max_bytes)
        self._fleet.take_labels(records, message.timestamp_ms)
        fresh = [one for place, one in refused.items() if place not in self._refused]
        self._producer.send_rejects(fresh)
        self._refused |= refused.keys()

    def _following(self, topic: str) -> Iterator[Message | None]:
        broker = self._settings.broker
        reader = self._stack.enter_context(connect_or_explain(lambda: LogReader(broker, topic), broker))
        ends = reader.ends()

        def messages() -> Iterator[Message | None]:
            yield from reader.read(ends=ends)
            yield None
            yield from reader.follow(self._stop, ends, poll_ms=0)

        return messages()


def _said_before(settings: Settings) -> dict[str, SampleLabel]:
    """What the topic holds, the last word of each sample."""
    found: dict[str, SampleLabel] = {}
    for message in read_all(settings.broker, TopicNames(settings.topics.prefix).labelled):
        found |= {one.sample_id: one for one in message.decoded(SampleLabel)[0]}
    return found
