"""Bindings = admitted once + held out + waiting + replaced + expired. Performs no I/O."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from deploy.audit.account import GONE, Account, BindingEntry, Reach
from deploy.audit.reject_account import RejectBook
from deploy.audit.sample_account import SampleBook
from deploy.rejects.record import RecordPlace

Identity: TypeAlias = tuple[str, int]
HELD_OUT = "held-out"


@dataclass(frozen=True, slots=True)
class Admissions:
    """What the trainer's newest checkpoint says.

    Args:
        admitted: Identities of Bindings, oldest first.
        done: The offset in each partition of `pairs` up to which all is done.
        is_whole: Whether none of the older identities were let go of.
    """

    admitted: Sequence[Identity] = ()
    done: Mapping[int, int] = field(default_factory=dict)
    is_whole: bool = True


class _Binding(NamedTuple):
    place: RecordPlace
    outcome: str
    content: int
    is_done: bool


class BindingBook:
    """The distinct Bindings, by sample and round."""

    def __init__(self, bindings: Iterable[BindingEntry], rejects: RejectBook, admissions: Admissions) -> None:
        self.notes: Counter[str] = Counter()
        self.found: dict[Identity, _Binding] = {}
        self.outcomes: dict[str, str] = {}
        for entry in bindings:
            rejects.reason(entry.place)
            self._take(entry, entry.place.offset < admissions.done.get(entry.place.partition, 0))

    def _take(self, entry: BindingEntry, is_done: bool) -> None:
        if entry.sample_id is None:
            self.notes["no Binding, passed over by the trainer"] += 1
            return
        identity = (entry.sample_id, entry.round)
        first = self.found.get(identity)
        if first is None:
            self.found[identity] = _Binding(entry.place, entry.outcome, entry.content, is_done)
        else:
            self.found[identity] = first._replace(is_done=first.is_done or is_done)
            same = entry.content == first.content
            self.notes["written again, dropped by identity" if same else "written again with other content"] += 1
        if not entry.round:
            self.outcomes.setdefault(entry.sample_id, entry.outcome)


def binding_account(book: BindingBook, samples: SampleBook, admissions: Admissions, reach: Reach) -> Account:
    """What became of each distinct Binding.

    Args:
        book: Of `pairs`.
        samples: What `sample_account` found.
        admissions: Of the trainer.
        reach: How far back the topics go.
    """
    return _Bindings(book, samples, admissions, reach).account()


class _Bindings:
    def __init__(self, book: BindingBook, samples: SampleBook, admissions: Admissions, reach: Reach) -> None:
        self._account = Account("bindings", notes=book.notes)
        self._book, self._samples = book, samples
        self._admitted = Counter(admissions.admitted)
        self._samples_cut, self._pairs_cut = (
            topic in reach.kept_from_ms for topic in (samples.topics[0], samples.pairs)
        )
        self._newest: dict[str, int] = {}
        self._first_known: dict[int, int] = {}  # offset by partition of the oldest admission that is remembered
        for sample_id, round_ in self._admitted:
            self._newest[sample_id] = max(round_, self._newest.get(sample_id, 0))
            if (one := book.found.get((sample_id, round_))) is not None and not admissions.is_whole:
                place = one.place
                self._first_known[place.partition] = min(
                    place.offset, self._first_known.get(place.partition, place.offset)
                )
        self._is_whole = admissions.is_whole

    def account(self) -> Account:
        """What became of each Binding, and those to blame."""
        for identity, binding in self._book.found.items():
            self._account.shares[self._share(identity, binding)] += 1
        for identity, n in self._admitted.items():
            known = self._book.found.get(identity)
            if n > 1:
                self._account.blame(
                    "twice", f"{_named(identity)}, admitted {n} times", *([known.place] if known else ())
                )
            if known is None and not self._pairs_cut:
                self._account.blame("from nowhere", f"{_named(identity)}, admitted")
        return self._account

    def _share(self, identity: Identity, binding: _Binding) -> str:
        sample_id, round_ = identity
        is_held_out = self._samples.ids.get(sample_id)
        if is_held_out is None and not self._samples_cut:
            self._account.blame("from nowhere", f"{_named(identity)}, of a sample that is nowhere", binding.place)
            return "of no sample"
        if identity in self._admitted:
            return "replaced" if self._newest[sample_id] > round_ else "admitted"
        if not binding.is_done:
            return "waiting"
        if is_held_out or binding.outcome == HELD_OUT:
            return "held out"
        if sample_id in self._samples.forgotten:
            return "of a forgotten source"
        if round_:
            return "expired"  # the trainer had let go of its sample by then
        if self._is_forgotten(binding.place):
            return "expired"
        if is_held_out is None:
            return GONE
        self._account.blame("missing", f"{_named(identity)}, read and not admitted", binding.place)
        return "missing"

    def _is_forgotten(self, place: RecordPlace) -> bool:
        """Whether the trainer may have admitted it and remembers it no longer."""
        first = self._first_known.get(place.partition)
        return not self._is_whole and (first is None or place.offset < first)


def _named(identity: Identity) -> str:
    return f"{identity[0]} round {identity[1]}"
