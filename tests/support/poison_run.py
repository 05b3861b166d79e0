"""Bad messages among good ones through the cores of both services: `python -m tests.support.poison_run --bad 200000`.

Ends with 1 where a good one was lost or a bad one is not exactly one refusal with its place.
"""

import argparse
import logging
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import psutil

from streams.binding import MessageBinder
from streams.intake.messages import Emission, Ingest
from streams.messages.checked import checked_binding, checked_sample
from streams.messages.codec import encode
from streams.messages.message import Message, Place
from streams.messages.rejects import Reject
from streams.records import Binding, Sample
from streams.testing import SyntheticWorld
from tests.support.memory_kafka import MemoryMessage
from tests.support.poison import KINDS, Sent, poisoned
from tests.support.recorded import recorded
from trainer.topics.records import readable_records

BATCH = 32
WORLD = SyntheticWorld(n_sources=6, n_complete=6)


@dataclass
class Books:
    """Ids of the good ones that went in and that came out; kinds of the bad ones that were not refused once."""

    sent: Counter[str] = field(default_factory=Counter)
    got: Counter[str] = field(default_factory=Counter)
    n_bad: int = 0
    wrong: Counter[str] = field(default_factory=Counter)

    @property
    def is_balanced(self) -> bool:
        return self.sent == self.got and not self.wrong

    def note_refusals(self, bad: dict[Place, str], rejects: Iterable[Reject]) -> None:
        """Each of the bad ones must be refused once, with its place, and nothing else."""
        refused = Counter(place_of(one) for one in rejects)
        self.n_bad += len(bad)
        for place in refused.keys() | bad.keys():
            if refused[place] != 1 or place not in bad:
                self.wrong[bad.get(place, "a good one")] += 1


def place_of(reject: Reject) -> Place:
    told = {name.removeprefix("mmbind.reject."): value.decode(errors="replace") for name, value in reject.headers}
    return Place(told["topic"], int(told["partition"]), int(told["offset"]))


def through_ingest(n_bad: int, n_slots: int = 40, seed: int = 0) -> Books:
    """Windows, each in a message of its own."""
    settings = WORLD.settings()
    ingest, books, bad, rejects = Ingest(settings), Books(), dict[Place, str](), list[Reject]()
    windows = {encode(one): one for one in WORLD.windows(n_slots)}
    acknowledged = Counter[str]()

    def take(emission: Emission) -> None:
        rejects.extend(emission.rejects)
        books.got.update(f"{one.sample_id}/{name}" for one in emission.samples for name in one.windows)
        for (topic, _), offsets in ingest.resolved(emission).items():
            acknowledged[topic] += len(offsets)

    offsets = Counter[str]()
    now_ns = 0
    for sent in poisoned(windows, n_bad, seed):
        window = windows[sent.origin]
        topic = f"mmbind.windows.{window.modality}"
        message = Message(topic, 0, offsets[topic], window.source_id.encode(), sent.value, sent.headers)
        offsets[topic] += 1
        if sent.kind:
            bad[message.place] = sent.kind
        else:
            now_ns = window.start_ns
            books.sent[f"{window.source_id}@{round(window.start_ns / WORLD.hop_ns)}/{window.modality}"] += 1
        take(ingest.accept(message, now_ns))
        take(ingest.tick(now_ns))
        if len(rejects) > 10_000:
            books.note_refusals({place: bad.pop(place) for place in map(place_of, rejects)}, rejects)
            rejects.clear()
    take(ingest.tick(now_ns + 10**12))
    books.note_refusals(bad, rejects)
    if acknowledged != offsets:
        books.wrong["not acknowledged"] = (offsets - acknowledged).total()
    return books


def through_binding(n_bad: int, n_slots: int = 20, seed: int = 0) -> Books:
    """Samples, in micro-batches."""
    binder, books = MessageBinder(WORLD.settings(), "w"), Books()
    samples = {encode(one): one for one in WORLD.samples(n_slots)}
    offset = 0
    for part in in_batches(poisoned(samples, n_bad, seed)):
        messages = [
            Message("mmbind.samples", 0, offset + place, b"k", sent.value, sent.headers)
            for place, sent in enumerate(part)
        ]
        offset += len(part)
        done = binder.accept(messages)
        bad = {one.place: sent.kind for one, sent in zip(messages, part, strict=True) if sent.kind}
        books.note_refusals(bad, done.rejects)
        books.sent.update(samples[sent.origin].sample_id for sent in part if not sent.kind)
        books.got.update(one.sample_id for one in done.bindings if not one.round)
    return books


def through_trainer(n_bad: int, seed: int = 0) -> Books:
    """Bindings and samples, as the trainer reads them."""
    record = recorded()
    check: Callable[[Sample], Sample] = partial(checked_sample, specs=record.world.specs)
    books = _read({encode(one): one.sample_id for one in record.bindings}, Binding, checked_binding, n_bad // 2, seed)
    other = _read({encode(one): name for name, one in record.samples.items()}, Sample, check, n_bad - n_bad // 2, seed)
    return Books(books.sent + other.sent, books.got + other.got, books.n_bad + other.n_bad, books.wrong + other.wrong)


def _read(good: dict[bytes, str], kind: Any, check: Callable[[Any], Any], n_bad: int, seed: int) -> Books:
    books = Books()
    for offset, sent in enumerate(poisoned(good, n_bad, seed)):
        records, n_faults = readable_records(
            MemoryMessage("t", 0, offset, sent.value, headers=sent.headers),
            kind,
            check,
        )
        books.got.update(one.sample_id for one in records)
        if sent.kind:
            books.n_bad += 1
            books.wrong[sent.kind] += int(n_faults != 1)
        else:
            books.sent[good[sent.origin]] += 1
    books.wrong = +books.wrong
    return books


def in_batches(sent: Iterator[Sent]) -> Iterator[Sequence[Sent]]:
    part: list[Sent] = []
    for one in sent:
        part.append(one)
        if len(part) == BATCH:
            yield part
            part = []
    if part:
        yield part


def main() -> int:
    """What became of them, a line for each core."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--bad", type=int, default=200_000, help="bad messages, of all cores together")
    arguments.add_argument("--seed", type=int, default=0)
    given = arguments.parse_args()
    logging.disable(logging.ERROR)
    balanced = True
    shares: list[tuple[str, Callable[[int], Books], int]] = [
        ("ingest", partial(through_ingest, n_slots=200, seed=given.seed), given.bad // 2),
        ("binding", partial(through_binding, n_slots=100, seed=given.seed), given.bad // 4),
        ("trainer", partial(through_trainer, seed=given.seed), given.bad - given.bad // 2 - given.bad // 4),
    ]
    for name, run, n_bad in shares:
        run(100)  # what is loaded once is not what bad messages cost
        before_bytes, began_s = psutil.Process().memory_info().rss, time.perf_counter()
        books = run(n_bad)
        grown_mib = (psutil.Process().memory_info().rss - before_bytes) / 2**20
        balanced = balanced and books.is_balanced
        print(
            f"{name}: {books.n_bad} bad of {len(KINDS)} kinds among {books.sent.total()} good, "
            f"{(books.sent - books.got).total()} good lost, {books.wrong.total()} bad not refused once "
            f"{dict(books.wrong) or ''}, {time.perf_counter() - began_s:.0f} s, memory {grown_mib:+.0f} MiB",
            flush=True,
        )
    return 0 if balanced else 1


if __name__ == "__main__":
    sys.exit(main())
