"""The refused records that the topic holds."""

import heapq
from collections import Counter
from collections.abc import Iterator

from deploy.rejects.record import Filter, RefusedRecord, refused_record
from streams.broker.connection import connect_or_explain
from streams.broker.log import LogReader
from streams.messages.topic_names import TopicNames
from streams.settings import StreamSettings


def refused_records(settings: StreamSettings, wanted: Filter) -> Iterator[RefusedRecord]:
    """Those that fit, each once, in the order of each partition.

    Raises:
        BrokerUnreachable: If the broker cannot be used.
        LogError: If there is no such topic.
    """
    topic = TopicNames(settings.topics.prefix).rejects
    seen = set()
    with connect_or_explain(lambda: LogReader(settings.broker, topic), settings.broker) as reader:
        for message in reader.read():
            record = refused_record(message)
            if record is None or not wanted.fits(record, settings.topics.prefix):
                continue
            # After a crash a record is refused again. What a service could not write itself has no place to know it by.
            if record.place.offset < 0 or record.place not in seen:
                seen.add(record.place)
                yield record


def newest(settings: StreamSettings, wanted: Filter, n_records: int) -> tuple[list[RefusedRecord], Counter[str]]:
    """The last `n_records` of those that fit, the newest last, and how many there are in all, by reason.

    Raises:
        BrokerUnreachable: If the broker cannot be used.
        LogError: If there is no such topic.
    """
    by_reason: Counter[str] = Counter()

    def counted() -> Iterator[RefusedRecord]:
        for record in refused_records(settings, wanted):
            by_reason[record.reason] += 1
            yield record

    last = heapq.nlargest(n_records, counted(), key=lambda one: (one.sent_ms, one.place))
    return last[::-1], by_reason
