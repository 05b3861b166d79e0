"""Samples = Bindings, by outcome. Performs no I/O."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from deploy.audit.account import GONE, Account, Reach, SampleEntry
from deploy.audit.reject_account import RejectBook
from deploy.rejects.record import RecordPlace

TOGETHER, SINGLE, LATE = "in samples, with others", "in samples, single", "in samples, late"


class Home(NamedTuple):
    """A sample that holds a window, and what kind of sample it is."""

    kind: str
    place: RecordPlace


@dataclass(slots=True)
class SampleBook:
    """What the other accounts must know of the samples.

    Args:
        topics: Where what comes of a window is written: `samples` and `rejects`.
        pairs: Where what comes of a sample is written.
        homes: Of each content of a window.
        ids: Of the samples, and whether each is held out.
        forgotten: Ids of those whose source was to be forgotten once.
    """

    topics: tuple[str, str]
    pairs: str
    homes: dict[int, list[Home]] = field(default_factory=dict)
    ids: dict[str, bool] = field(default_factory=dict)
    forgotten: set[str] = field(default_factory=set)


def sample_account(
    samples: Iterable[SampleEntry],
    rejects: RejectBook,
    outcomes: Mapping[str, str],
    reach: Reach,
    book: SampleBook,
) -> Account:
    """What became of each distinct sample.

    Args:
        samples: All records of `samples`, in the order of each partition.
        rejects: Why records were refused.
        outcomes: Of the samples that have a Binding, by id.
        reach: How far the worker is, and how far back the topics go.
        book: Is filled.
    """
    account = Account("samples")
    found: dict[str, _Sample] = {}
    for entry in samples:
        one = _Sample(entry, reach.is_done(entry.place), rejects.reason(entry.place) is not None)
        if entry.sample_id is None:
            account.shares[_unbound(account, one, "no sample")] += 1
        elif (first := found.get(entry.sample_id)) is None:
            found[entry.sample_id] = one
            _keep(book, entry.sample_id, entry)
        else:
            found[entry.sample_id] = first._replace(must=first.must or one.must)
            account.notes["written again, dropped by id"] += 1
            if sorted(entry.contents) != sorted(first.entry.contents):
                account.blame("two truths", entry.sample_id, first.entry.place, entry.place)
                more = set(entry.contents) - set(first.entry.contents)
                _keep(book, entry.sample_id, entry._replace(contents=tuple(more)))
    for sample_id, one in found.items():
        outcome = outcomes.get(sample_id)
        if outcome is None and reach.may_be_gone(book.pairs, one.entry.sent_ms):
            outcome = GONE
        account.shares[outcome or _unbound(account, one, f"the Binding of {sample_id}")] += 1
    return account


class _Sample(NamedTuple):
    """A sample where it came first; `must` be bound, since the worker has dealt with it, unless it was refused."""

    entry: SampleEntry
    must: bool
    is_refused: bool


def _keep(book: SampleBook, sample_id: str, entry: SampleEntry) -> None:
    kind = LATE if entry.is_late else TOGETHER if len(entry.contents) > 1 else SINGLE
    for content in entry.contents:
        book.homes.setdefault(content, []).append(Home(kind, entry.place))
    book.ids[sample_id] = entry.is_held_out
    if entry.is_forgotten:
        book.forgotten.add(sample_id)


def _unbound(account: Account, one: _Sample, identity: str) -> str:
    if one.is_refused:
        return "rejected"
    if not one.must:
        return "waiting"
    account.blame("missing", identity, one.entry.place)
    return "missing"
