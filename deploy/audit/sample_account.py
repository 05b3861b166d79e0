"""Samples = Bindings, by outcome. Performs no I/O."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from deploy.audit.account import GONE, Account, Reach, RecordPlace, SampleEntry

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
        homes: Of each content of a window.
        ids: Of the samples, and whether each is held out.
    """

    topics: tuple[str, ...]
    homes: dict[int, list[Home]] = field(default_factory=dict)
    ids: dict[str, bool] = field(default_factory=dict)


class _Sample(NamedTuple):
    entry: SampleEntry
    must: bool


def sample_account(
    samples: Iterable[SampleEntry],
    rejects: Mapping[RecordPlace, str],
    outcomes: Mapping[str, str],
    reach: Reach,
    book: SampleBook,
    pairs: str,
) -> Account:
    """What became of each distinct sample.

    Args:
        samples: All records of `samples`, in the order of each partition.
        rejects: The reason for each record that was refused.
        outcomes: Of the samples that have a Binding, by id.
        reach: How far the worker is, and how far back the topics go.
        book: Is filled.
        pairs: Name of the topic of Bindings.
    """
    account = Account("samples")
    found: dict[str, _Sample] = {}
    for entry in samples:
        must = reach.is_done(entry.place)
        if entry.sample_id is None:
            _settle_unreadable(account, entry, must, rejects)
        elif (first := found.get(entry.sample_id)) is None:
            found[entry.sample_id] = _Sample(entry, must)
            _keep(book, entry)
        else:
            found[entry.sample_id] = first._replace(must=first.must or must)
            account.notes["written again, dropped by id"] += 1
            if sorted(entry.contents) != sorted(first.entry.contents):
                account.blame("two truths", entry.sample_id, first.entry.place, entry.place)
                _keep(book, entry._replace(contents=tuple(set(entry.contents) - set(first.entry.contents))))
    for sample_id, (entry, must) in found.items():
        account.shares[_share(account, sample_id, entry, must, outcomes, reach, pairs)] += 1
    return account


def _keep(book: SampleBook, entry: SampleEntry) -> None:
    kind = LATE if entry.is_late else TOGETHER if len(entry.contents) > 1 else SINGLE
    for content in entry.contents:
        book.homes.setdefault(content, []).append(Home(kind, entry.place))
    book.ids[entry.sample_id or ""] = entry.is_held_out


def _share(
    account: Account,
    sample_id: str,
    entry: SampleEntry,
    must: bool,
    outcomes: Mapping[str, str],
    reach: Reach,
    pairs: str,
) -> str:
    if (outcome := outcomes.get(sample_id)) is not None:
        return outcome
    if not must:
        return "waiting"
    if reach.may_be_gone(pairs, entry.sent_ms):
        return GONE
    account.blame("missing", f"the Binding of {sample_id}", entry.place)
    return "missing"


def _settle_unreadable(account: Account, entry: SampleEntry, must: bool, rejects: Mapping[RecordPlace, str]) -> None:
    if entry.place in rejects:
        account.shares["rejected"] += 1
    elif not must:
        account.shares["waiting"] += 1
    else:
        account.shares["missing"] += 1
        account.blame("missing", "no sample", entry.place)
