"""Messages in and out of the Faust app: micro-batches of events, and deliveries that the broker has acknowledged."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, TypeAlias

import faust
from aiokafka.errors import KafkaError, KafkaTimeoutError, MessageSizeTooLargeError, RecordTooLargeError
from faust.exceptions import ProducerSendError

from streams.messages.message import Message
from streams.messages.outbox import Outbox, OutMessage
from streams.service.backoff import Backoff

log = logging.getLogger(__name__)

# A message may hold many records: with these limits ingest and binding go on side by side however much has come.
MAX_BATCH_EVENTS, MAX_BATCH_BYTES = 256, 1 << 18
RETRY_FIRST_S = 0.2
RETRY_LONGEST_S = 10.0

# A message of Faust's, which ships no types.
Event: TypeAlias = Any


async def micro_batches(app: faust.App, stream: Any) -> AsyncIterator[list[Event]]:
    """Events as they come, in lists: whatever has come while the list before was worked on, within both limits.

    Nothing is acknowledged by this. Events of an assignment that has ended are dropped: they will come again.
    """
    # `take` and `noack_take` would acknowledge or buffer behind our back; see the law of acknowledging in `shell`.
    events = stream.noack().events()
    queue = stream.channel.queue
    async for first in events:
        batch, n_bytes = [first], _size_of(first)
        # Past the first, events are taken from the queue directly: the stream costs more than our own work on them.
        while len(batch) < MAX_BATCH_EVENTS and n_bytes < MAX_BATCH_BYTES and not queue.empty():
            batch.append(queue.get_nowait())
            n_bytes += _size_of(batch[-1])
        yield [event for event in batch if is_current(app, event)]


def _size_of(event: Event) -> int:
    return len(event.message.value or b"")


def as_message(event: Event) -> Message:
    """What the core is told of an event."""
    one = event.message
    return Message(one.topic, one.partition, one.offset, one.key, one.value, tuple(one.headers or ()))


def is_current(app: faust.App, event: Event) -> bool:
    """Whether an event came by the assignment that holds now."""
    return bool(event.message.generation_id == app.consumer_generation_id)


class Delivery:
    """Writes messages and waits until the broker has them, through its absences.

    `is_blocked` while the broker does not take what is sent.
    """

    def __init__(self, app: faust.App, outbox: Outbox) -> None:
        self._app = app
        self._outbox = outbox
        self.is_blocked = False

    async def deliver(self, messages: Iterable[OutMessage]) -> int:
        """Returns when the broker has each message, or for one that it found too long what stands for it in rejects.

        Returns:
            How many it found too long.

        Raises:
            KafkaError: If the broker refuses for a reason that waiting does not cure.
        """
        n_too_long = 0
        left, backoff = list(messages), Backoff(RETRY_FIRST_S, RETRY_LONGEST_S)
        while left:
            outcomes = await self._attempt(left)
            failed = [(message, error) for message, error in zip(left, outcomes, strict=True) if error is not None]
            if hopeless := [error for _, error in failed if not (_is_too_long(error) or _is_passing(error))]:
                raise hopeless[0]
            too_long = [message for message, error in failed if _is_too_long(error)]
            n_too_long += len(too_long)
            left = [message for message, error in failed if _is_passing(error)]
            if left:
                await self._wait(failed[-1][1], backoff.next_s())
            left += [self._outbox.instead(message) for message in too_long]
        if self.is_blocked:
            log.warning("the broker takes messages again")
            self.is_blocked = False
        return n_too_long

    async def _attempt(self, messages: Sequence[OutMessage]) -> list[BaseException | None]:
        outcomes: list[BaseException | None] = [None] * len(messages)
        pending = []
        for place, message in enumerate(messages):
            try:
                pending.append((place, await self._send(message)))
            except ProducerSendError as error:
                outcomes[place] = error.__cause__ or error
        answers = await asyncio.gather(*(future for _, future in pending), return_exceptions=True)
        for (place, _), answer in zip(pending, answers, strict=True):
            outcomes[place] = answer if isinstance(answer, BaseException) else None
        return outcomes

    async def _send(self, message: OutMessage) -> Any:
        return await self._app.producer.send(
            message.topic,
            message.key,
            message.value,
            message.partition,
            None,
            list(message.headers),
        )

    async def _wait(self, error: BaseException, seconds: float) -> None:
        if not self.is_blocked:
            log.warning("the broker does not take messages, trying again: %r", error)
            self.is_blocked = True
        await asyncio.sleep(seconds)


def _is_too_long(error: BaseException) -> bool:
    return isinstance(error, MessageSizeTooLargeError | RecordTooLargeError)


def _is_passing(error: BaseException) -> bool:
    # aiokafka's own timeout, with which it gives a message up, does not count as retriable there.
    return isinstance(error, KafkaTimeoutError) or (isinstance(error, KafkaError) and bool(error.retriable))
