"""What labelling reads from the topics and writes to them."""

import logging
from collections.abc import Iterable, Sequence
from itertools import islice

from kafka import KafkaProducer
from kafka.errors import KafkaError

from deploy.errors import CommandError
from deploy.rejects.record import RecordPlace
from streams.broker.connection import connect_or_explain, producer_config
from streams.messages.checked import checked_binding, checked_label_record, checked_sample
from streams.messages.codec import decode
from streams.messages.message import Message
from streams.messages.outbox import Outbox, OutMessage
from streams.messages.rejects import InvalidRecord, Reject
from streams.records import Binding, LabelRecord, Sample, SampleLabel
from streams.settings import StreamSettings

log = logging.getLogger(__name__)

SEND_TIMEOUT_S = 60.0
IN_FLIGHT = 200


def samples_of(message: Message, settings: StreamSettings) -> list[Sample]:
    """Those of a message that can be used; what cannot, a worker refuses."""
    return message.decoded(Sample, lambda one: checked_sample(one, settings.specs))[0]


def bindings_of(message: Message) -> list[Binding]:
    """Those of a message that can be used; what cannot, the trainer refuses."""
    return message.decoded(Binding, checked_binding)[0]


def labels_of(message: Message, max_bytes: int) -> tuple[list[LabelRecord], dict[RecordPlace, Reject]]:
    """What somebody says in a message, and what goes to `rejects`, by its place, since nobody can tell what it says.

    Args:
        message: Of the topic of labels.
        max_bytes: The longest message that `rejects` takes.
    """
    records: list[LabelRecord] = []
    try:
        raws = message.records()
    except InvalidRecord as refusal:
        return [], {
            RecordPlace(*message.place, message.index): message.reject(0, message.value or b"", refusal, max_bytes)
        }
    rejects = {}
    for index, raw in enumerate(raws):
        try:
            records.append(checked_label_record(decode(raw, LabelRecord)))
        except InvalidRecord as refusal:
            place = RecordPlace(*message.place, message.index + index)
            rejects[place] = message.reject(index, raw, refusal, max_bytes)
    return records, rejects


class LabelProducer:
    """Writes labels, what is labelled, and what is refused; each call returns once the broker has it.

    Args:
        settings: Of the services.

    Raises:
        BrokerUnreachable: If the broker cannot be used.
    """

    def __init__(self, settings: StreamSettings) -> None:
        self._outbox = Outbox(settings.topics)
        config = producer_config(settings.broker) | {"max_request_size": settings.topics.rejects_max_bytes}
        self._producer = connect_or_explain(lambda: KafkaProducer(**config), settings.broker)

    def send_labels(self, labels: Sequence[LabelRecord]) -> None:
        """Writes what somebody knows.

        Raises:
            CommandError: If the broker does not take it.
        """
        self._send(self._outbox.labels(labels))

    def send_labelled(self, labels: Sequence[SampleLabel]) -> None:
        """Writes what is known of samples.

        Raises:
            CommandError: If the broker does not take it.
        """
        self._send(self._outbox.labelled(labels))

    def send_rejects(self, rejects: Sequence[Reject]) -> None:
        """Writes what is refused.

        Raises:
            CommandError: If the broker does not take it.
        """
        self._send(self._outbox.rejects(rejects))

    def close(self) -> None:
        """Leaves the broker."""
        self._producer.close(timeout=SEND_TIMEOUT_S)

    def __enter__(self) -> "LabelProducer":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _send(self, messages: Iterable[OutMessage]) -> None:
        waiting = iter(messages)
        while some := list(islice(waiting, IN_FLIGHT)):
            futures = [
                (one, self._producer.send(one.topic, one.value, one.key, list(one.headers), one.partition))
                for one in some
            ]
            for one, future in futures:
                try:
                    future.get(timeout=SEND_TIMEOUT_S)
                except KafkaError as error:
                    raise CommandError(f"{one.topic}: the broker did not take a message: {error}") from error
