"""Which messages a service was at when it crashed, so that none of them ends it for ever.

What is bad with a message and known is refused where it is read. This is for the rest: an exception that nobody thought
of. State may be half changed then, so the process ends and the next one begins at the last commit. But before that it
notes the places that it was at, a line in `crashes.jsonl` of its data folder, and its next life looks there:

1. a place that lies in a noted range is worked on alone, and where a message can be taken apart each of its records,
   so that a second crash names the one;
2. what crashed a service twice, once of them alone, is not worked on again: its `refusal` says why.

A note of one alone holds a sum of its content: it tells the records of a message apart, and on a topic that was made
anew another message may lie at its place. Every
machine has its own notes; a partition that moves to another one crashes it as often. An end without an exception (a
killed process, memory, a library that segfaults) leaves no note.
"""

import logging
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import msgspec

from streams.messages.message import Message, Place
from streams.messages.rejects import InvalidRecord

log = logging.getLogger(__name__)

FILE_NAME = "crashes.jsonl"
KEPT_NOTES = 1000
CRASHES = 2  # so often a message may end a service


class _Range(NamedTuple):
    """Offsets of one partition, from `first` up to, not including, `end`."""

    topic: str
    partition: int
    first: int
    end: int

    def holds(self, place: Place) -> bool:
        return (self.topic, self.partition) == (place.topic, place.partition) and self.first <= place.offset < self.end


class _Crash(msgspec.Struct, frozen=True, kw_only=True):
    """One crash; `alone` is the sum of the message's content where it was the only one."""

    ranges: tuple[_Range, ...]
    error: str
    alone: int | None = None


class CrashNotes:
    """The notes of the services that have this data folder.

    Args:
        folder: Is made when the first note is written.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / FILE_NAME
        self._crashes = _read(self._file)

    @contextmanager
    def noted(self, messages: Sequence[Message]) -> Iterator[None]:
        """Notes these messages if working on them raises what nobody expected, and lets it pass on."""
        try:
            yield
        except Exception as error:
            self._note(messages, error)
            raise

    def judged(self, message: Message) -> Message:
        """The message, with a refusal if it crashed a service twice."""
        found = [crash for crash in self._crashes if any(one.holds(message.place) for one in crash.ranges)]
        alone = [crash.error for crash in found if crash.alone == _sum(message)]
        if len(found) < CRASHES or not alone:
            return message
        return replace(message, refusal=InvalidRecord("crashed-the-service", "", alone[-1]))

    def parts(self, messages: Iterable[Message]) -> Iterator[list[Message]]:
        """The messages in their order: the records of each that was near a crash alone, the others together."""
        together: list[Message] = []
        for message in messages:
            apart = self.taken_apart(message)
            if apart == [message]:
                together.append(message)
                continue
            if together:
                yield together
            together = []
            yield from ([one] for one in apart)
        if together:
            yield together

    def taken_apart(self, message: Message) -> list[Message]:
        """A message that was near a crash as one for each of its records, judged; any other as it is."""
        if not any(one.holds(message.place) for crash in self._crashes for one in crash.ranges):
            return [message]
        try:
            raws = message.records()
        except InvalidRecord:
            return [message]
        return [self.judged(replace(message, value=raw, index=index)) for index, raw in enumerate(raws)]

    def _note(self, messages: Sequence[Message], error: Exception) -> None:
        offsets: dict[tuple[str, int], list[int]] = {}
        for message in messages:
            offsets.setdefault((message.topic, message.partition), []).append(message.offset)
        crash = _Crash(
            ranges=tuple(_Range(*where, min(own), max(own) + 1) for where, own in offsets.items()),
            error=f"{type(error).__name__}: {error}"[:200],
            alone=_sum(messages[0]) if len(messages) == 1 else None,
        )
        self._crashes.append(crash)
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("ab") as file:
                # With a line's end before it too: the last crash may have been in the middle of its own.
                file.write(b"\n" + msgspec.json.encode(crash) + b"\n")
        except OSError as failure:
            log.error("the crash could not be noted in %s: %s", self._file, failure)


def _sum(message: Message) -> int:
    return zlib.crc32(message.value or b"", zlib.crc32(message.key or b""))


def _read(file: Path) -> list[_Crash]:
    try:
        lines = file.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        log.error("the notes of crashes cannot be read: %s", error)
        return []
    crashes = []
    for line in lines[-2 * KEPT_NOTES :]:
        try:
            crashes.append(msgspec.json.decode(line, type=_Crash))
        except msgspec.MsgspecError:  # also of the empty lines between them
            continue
    return crashes
