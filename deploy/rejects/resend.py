"""Refused records, each once more in the topic that it came from.

A record that is sent again has a header that names where it was refused. Before anything is sent, the topics are read
for such headers: what was sent before is not sent again, also when the run before this one was killed half-way. That
is as exact as it can be without transactions, which the embedded broker does not have, as long as only one of these
runs at a time.
"""

from collections import Counter, deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import islice

from kafka import KafkaProducer
from kafka.errors import KafkaError

from deploy.errors import CommandError
from deploy.rejects.listing import refused_records
from deploy.rejects.record import Filter, RecordPlace, RefusedRecord, place_from
from encoders.errors import UsageError
from streams.broker.connection import connect_or_explain, producer_config
from streams.broker.log import LogReader
from streams.settings import StreamSettings

SENT_AGAIN_HEADER = "mmbind.sent-again"
# Sent again these would be refused again, or once they are forgotten be used twice.
NOT_UNASKED = ("duplicate", "forgotten")
SEND_TIMEOUT_S = 60.0
IN_FLIGHT = 200


@dataclass(slots=True)
class Resent:
    """How many were sent (or would be), by topic; and how many were not, by why."""

    sent: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)


def resend(settings: StreamSettings, wanted: Filter, again: bool = False, is_dry: bool = False) -> Resent:
    """Sends the refused records that fit to where they came from.

    Args:
        settings: Of the services.
        wanted: Which; duplicates and those of forgotten sources only where their reason is named.
        again: Also those that were sent again before and were refused again, once for each time.
        is_dry: Sends nothing.

    Raises:
        BrokerUnreachable: If the broker cannot be used.
        LogError: If a topic is not there.
        CommandError: If the broker refuses one; those sent before are not sent again by the next run.
    """
    # Read twice rather than held: rejects may be many and long.
    topics = {record.place.topic for record in refused_records(settings, wanted)}
    sent_before, copies = _sent_before(settings, topics)
    done = Resent()

    def left() -> Iterator[RefusedRecord]:
        for record in refused_records(settings, wanted):
            if reason := _reason_to_skip(record, wanted, sent_before, set() if again else copies):
                done.skipped[reason] += 1
            elif record.place.topic in topics:
                done.sent[record.place.topic] += 1
                yield record

    if is_dry:
        deque(left(), maxlen=0)
    else:
        _send(settings, left())
    return done


def _reason_to_skip(
    record: RefusedRecord, wanted: Filter, sent_before: Collection[RecordPlace], copies: Collection[RecordPlace]
) -> str:
    if record.reason in NOT_UNASKED and record.reason not in wanted.reasons:
        return f"{record.reason}: not asked for by --reason"
    if record.is_cut or record.place.offset < 0:
        return "too long: not kept whole"
    if record.place in sent_before:
        return "sent again before"
    return "sent again and refused again" if record.place._replace(record=0) in copies else ""


def _sent_before(settings: StreamSettings, topics: Collection[str]) -> tuple[set[RecordPlace], set[RecordPlace]]:
    """The places of the records that were sent again, and of the messages by which they were."""
    places, copies = set(), set()
    for topic in sorted(topics):
        with LogReader(settings.broker, topic) as reader:
            for message in reader.read():
                for name, value in message.headers:
                    if name == SENT_AGAIN_HEADER and (place := _place(value)) is not None:
                        places.add(place)
                        copies.add(RecordPlace(*message.place, 0))
    return places, copies


def _place(value: bytes | None) -> RecordPlace | None:
    try:
        return place_from((value or b"").decode())
    except (UnicodeDecodeError, UsageError):
        return None  # somebody else wrote it


def _send(settings: StreamSettings, records: Iterator[RefusedRecord]) -> None:
    config = producer_config(settings.broker) | {"max_request_size": settings.topics.rejects_max_bytes}
    producer = connect_or_explain(lambda: KafkaProducer(**config), settings.broker)
    n_sent = 0
    try:
        while some := list(islice(records, IN_FLIGHT)):
            futures = [(one.place, producer.send(one.place.topic, one.value, one.key, _headers(one))) for one in some]
            for place, future in futures:
                try:
                    future.get(timeout=SEND_TIMEOUT_S)
                except KafkaError as error:
                    raise CommandError(
                        f"{place} was not taken by the broker: {error}; {n_sent} were sent before it"
                    ) from error
                n_sent += 1
    finally:
        producer.close(timeout=SEND_TIMEOUT_S)


def _headers(record: RefusedRecord) -> list[tuple[str, bytes]]:
    kept = [(name, value) for name, value in record.headers if name != SENT_AGAIN_HEADER]
    return [*kept, (SENT_AGAIN_HEADER, str(record.place).encode())]
