"""The books as the broker and the trainer's folder have them. Holds hashes and identities, never contents.

A service may be at work meanwhile. So that nothing looks missing or from nowhere which only came in between, first the
trainer's checkpoint and the worker's offsets are read, then the topics' ends, each topic's after those that are
written from it.
"""

import hashlib
import sys
import time
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import msgspec
import numpy as np

from deploy.audit.account import BindingEntry, Reach, SampleEntry, WindowEntry
from deploy.audit.balance import Balance, Books, balance
from deploy.audit.binding_account import Admissions
from deploy.errors import CommandError
from deploy.rejects.record import RecordPlace, refused_record
from encoders.modality import ModalitySpec
from streams.broker.connection import connect_or_explain
from streams.broker.log import LogReader, committed_offsets
from streams.intake.validation import resampled
from streams.labels import LABEL
from streams.messages.checked import checked_binding, checked_sample
from streams.messages.codec import decode, decode_window
from streams.messages.message import Message
from streams.messages.rejects import InvalidRecord
from streams.messages.topic_names import TopicNames
from streams.records import Binding, Sample
from streams.settings import StreamSettings
from streams.worker.faust_app import group_id
from trainer.checkpoints.checkpoint import CheckpointError, CheckpointFolder
from trainer.checkpoints.progress import resumption

# A trainer at work thins its older checkpoints out while they are read.
CHECKPOINT_TRIES = 5
RETRY_S = 0.2


def audit(settings: StreamSettings, checkpoints: Path) -> Balance:
    """What became of all that is in the topics.

    Args:
        settings: Of the services.
        checkpoints: The trainer's folder of them.

    Raises:
        BrokerUnreachable: If the broker cannot be used.
        LogError: If a topic is not there, or cannot be read to its end.
        CommandError: If the trainer's checkpoints cannot be read.
    """
    names = TopicNames(settings.topics.prefix)
    windows = [names.windows(modality) for modality in settings.modalities]
    admissions = read_admissions(checkpoints)
    with ExitStack() as stack:
        topics = connect_or_explain(lambda: _Topics(stack, settings, windows), settings.broker)
        rejects = _Rejects(topics.messages(names.rejects))
        forgotten = {message.key for message in topics.messages(names.forgotten)}
        books = Books(
            names,
            settings.modalities,
            windows=(entry for topic in windows for entry in _windows(topics.messages(topic), settings, rejects)),
            samples=(
                entry for message in topics.messages(names.samples) for entry in _samples(message, settings, forgotten)
            ),
            bindings=(entry for message in topics.messages(names.pairs) for entry in _bindings(message)),
            rejects=rejects.reasons,
            admissions=admissions,
            reach=Reach(topics.committed, topics.kept_from_ms),
            hop_ns=round(settings.ingest.hop_s * 1e9),
        )
        return balance(books)


def read_admissions(checkpoints: Path) -> Admissions:
    """What the newest whole checkpoint says; nothing where there is none.

    Raises:
        CommandError: If there are checkpoints and none of them can be read.
    """
    for n_left in reversed(range(CHECKPOINT_TRIES)):
        try:
            resumed = resumption(CheckpointFolder(checkpoints))
        except (CheckpointError, OSError) as error:
            if not n_left:
                raise CommandError(f"{checkpoints}: wanted the trainer's checkpoints, got {error}") from error
            time.sleep(RETRY_S)
        else:
            break
    if resumed is None:
        return Admissions()
    admitted = resumed.state.admitted
    n_ever = resumed.state.facts.get("counts", {}).get("admitted", 0)
    return Admissions(admitted, resumed.progress.next_pairs, len(admitted) >= n_ever)


class _Topics:
    """Readers of topics, whose ends are fixed one after the other when this is made."""

    def __init__(self, stack: ExitStack, settings: StreamSettings, windows: Sequence[str]) -> None:
        names, broker, group = TopicNames(settings.topics.prefix), settings.broker, group_id(settings)
        n_partitions = dict.fromkeys(windows, settings.topics.partitions)
        n_partitions[names.samples] = settings.topics.sample_partitions
        self.committed = {
            (name, partition): offset
            for name, n in n_partitions.items()
            for partition, offset in committed_offsets(broker, group, name, range(n)).items()
        }
        in_order = (names.pairs, names.forgotten, names.rejects, names.samples, *windows)
        self._readers = {name: stack.enter_context(LogReader(broker, name)) for name in in_order}
        self._ends = {name: reader.ends() for name, reader in self._readers.items()}
        self.kept_from_ms: dict[str, int] = {}
        for name, reader in self._readers.items():
            if firsts := {partition: first for partition, first in reader.starts().items() if first > 0}:
                self.kept_from_ms[name] = self._kept_from(name, firsts)

    def messages(self, name: str) -> Iterator[Message]:
        """All of a topic up to the end that it had."""
        return self._readers[name].read(ends=self._ends[name])

    def _kept_from(self, name: str, firsts: Mapping[int, int]) -> int:
        """When the youngest of the first messages was sent that the cut partitions still have."""
        sent: list[int] = []
        for partition, first in firsts.items():
            end = self._ends[name].get(partition, 0)
            found = next(self._readers[name].read({partition: first}, {partition: end}), None) if end > first else None
            sent.append(found.timestamp_ms if found else time.time_ns() // 1_000_000)
        return max(sent)


class _Rejects:
    """Why records were refused, by place; `whole` are messages that were refused as they were, and how long."""

    def __init__(self, messages: Iterator[Message]) -> None:
        self.reasons: dict[RecordPlace, str] = {}
        self._n_bytes: dict[RecordPlace, int] = {}
        for message in messages:
            if (record := refused_record(message)) is not None:
                self.reasons[record.place] = record.reason
                self._n_bytes[record.place] = record.n_bytes

    def has_whole(self, message: Message) -> bool:
        """Whether the message was refused with all of its records."""
        place = RecordPlace(*message.place, 0)
        return place in self.reasons and self._n_bytes[place] == len(message.value or b"")


def _windows(messages: Iterator[Message], settings: StreamSettings, rejects: _Rejects) -> Iterator[WindowEntry]:
    specs = settings.sensors
    start = TopicNames(settings.topics.prefix).windows("")
    for message in messages:
        modality = message.topic.removeprefix(start)
        raws = [b""] if rejects.has_whole(message) else _raws(message)
        for index, raw in enumerate(raws):
            yield _window(RecordPlace(*message.place, index), message.timestamp_ms, raw, specs[modality])


def _window(place: RecordPlace, sent_ms: int, raw: bytes, spec: ModalitySpec) -> WindowEntry:
    try:
        window = decode_window(raw)
    except InvalidRecord:
        return WindowEntry(place, sent_ms)
    values = window.values
    if values.ndim == 2 and values.size and len(values) != spec.n_steps:
        values = resampled(values, spec.n_steps)
    content = _content(window.source_id, spec.name, values)
    source_id = sys.intern(window.source_id)
    return WindowEntry(place, sent_ms, source_id, spec.name, window.start_ns, content, window.window_id)


def _samples(message: Message, settings: StreamSettings, forgotten: Container[bytes | None]) -> Iterator[SampleEntry]:
    check = partial(checked_sample, specs=settings.specs)
    for index, raw in enumerate(_raws(message)):
        place = RecordPlace(*message.place, index)
        try:
            sample = check(decode(raw, Sample))
        except InvalidRecord:
            yield SampleEntry(place, message.timestamp_ms)
            continue
        contents = [_content(sample.source_id, name, v) for name, v in sample.windows.items() if name != LABEL]
        yield SampleEntry(
            place,
            message.timestamp_ms,
            sample.sample_id,
            tuple(contents),
            sample.late,
            sample.held_out,
            sample.source_id.encode() in forgotten,
            sample.start_ns,
        )


def _bindings(message: Message) -> Iterator[BindingEntry]:
    for index, raw in enumerate(_raws(message)):
        try:
            one = checked_binding(decode(raw, Binding))
        except InvalidRecord:
            yield BindingEntry(RecordPlace(*message.place, index))
            continue
        told = msgspec.structs.replace(one, worker="", sequence=0)
        content = _hash(msgspec.msgpack.encode(told))
        yield BindingEntry(RecordPlace(*message.place, index), one.sample_id, one.round, one.outcome, content)


def _raws(message: Message) -> list[bytes]:
    """The raw records; one that is nothing where they cannot be told apart."""
    try:
        return message.records()
    except InvalidRecord:
        return [b""]


def _content(source_id: str, modality: str, values: np.ndarray) -> int:
    name = f"{source_id}\0{modality}\0".encode(errors="surrogatepass")
    return _hash(name + np.ascontiguousarray(values, "<f4").tobytes())


def _hash(data: bytes) -> int:
    # 64 bits: among ten million two are alike with a chance of three in a million.
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big")
