"""Samples = Bindings, by outcome. Performs no I/O."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from deploy.audit.account import GONE, Account, Reach, SampleEntry
from deploy.audit.homes import Home, Homes
from deploy.audit.reject_account import RejectBook
from deploy.rejects.record import RecordPlace

TOGETHER, SINGLE, LATE = "in samples, with others", "in samples, single", "in samples, late"


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
    homes: Homes = field(default_factory=Homes)
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
        contents = hash(tuple(sorted(entry.contents)))
        is_refused = rejects.reason(entry.place) is not None
        one = _Sample(entry.place, entry.sent_ms, contents, reach.is_done(entry.place), is_refused)
        if entry.sample_id is None:
            account.shares[_unbound(account, one, "no sample")] += 1
        elif (first := found.get(entry.sample_id)) is None:
            found[entry.sample_id] = one
            _keep(book, entry.sample_id, entry)
        else:
            account.notes["written again, dropped by id"] += 1
            if one.must and not first.must:
                found[entry.sample_id] = first._replace(must=True)
            if one.contents != first.contents:
                # Whoever reads it keeps the first: what lies in this one alone is missing.
                account.blame("two truths", entry.sample_id, first.place, one.place)
    for sample_id, one in found.items():
        outcome = outcomes.get(sample_id)
        if outcome is None and reach.may_be_gone(book.pairs, one.sent_ms):
            outcome = GONE
        account.shares[outcome or _unbound(account, one, f"the Binding of {sample_id}")] += 1
    return account


class _Sample(NamedTuple):
    """A sample where it came first; `must` be bound, since the worker has dealt with it, unless it was refused."""

    place: RecordPlace
    sent_ms: int
    contents: int
    must: bool
    is_refused: bool


def _keep(book: SampleBook, sample_id: str, entry: SampleEntry) -> None:
    kind = LATE if entry.is_late else TOGETHER if len(entry.contents) > 1 else SINGLE
    home = Home(kind, entry.place, entry.start_ns)
    for content in entry.contents:
        book.homes.add(content, home)
    book.ids[sample_id] = entry.is_held_out
    if entry.is_forgotten:
        book.forgotten.add(sample_id)


def _unbound(account: Account, one: _Sample, identity: str) -> str:
    if one.is_refused:
        return "rejected"
    if not one.must:
        return "waiting"
    account.blame("missing", identity, one.place)
    return "missing"
