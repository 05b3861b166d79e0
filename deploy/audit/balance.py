"""The accounts of the books, and what they come to. Performs no I/O and reads no clock."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from deploy.audit.account import Account, BindingEntry, Reach, SampleEntry, WindowEntry
from deploy.audit.binding_account import Admissions, BindingBook, binding_account
from deploy.audit.reject_account import RejectBook
from deploy.audit.sample_account import SampleBook, sample_account
from deploy.audit.window_account import window_account
from deploy.rejects.record import RecordPlace
from streams.messages.topic_names import TopicNames

BALANCED, FAULTY, CUT = 0, 1, 3


@dataclass(frozen=True, slots=True)
class Books:
    """All records, each topic's in the order of its partitions. They are gone through once: Bindings, samples, windows.

    Args:
        names: Of the topics.
        modalities: Whose topics of windows are read.
        windows: Of all modalities.
        samples: Of `samples`.
        bindings: Of `pairs`.
        rejects: The reason for each record that was refused, by its place.
        admissions: Of the trainer.
        reach: How far the worker is, and how far back the topics go.
        hop_ns: The windows of one source within a hop form a sample.
    """

    names: TopicNames
    modalities: Collection[str]
    windows: Iterable[WindowEntry] = ()
    samples: Iterable[SampleEntry] = ()
    bindings: Iterable[BindingEntry] = ()
    rejects: Mapping[RecordPlace, str] = field(default_factory=dict)
    admissions: Admissions = field(default_factory=Admissions)
    reach: Reach = field(default_factory=Reach)
    hop_ns: int = 1


@dataclass(frozen=True, slots=True)
class Balance:
    """The accounts, and from when on (ms since 1970) the topics still hold everything; 0 where nothing was deleted."""

    accounts: tuple[Account, ...]
    whole_from_ms: int

    @property
    def exit_code(self) -> int:
        """BALANCED; FAULTY if something is missing, counted twice or from nowhere; CUT if the log begins too late."""
        if any(account.n_faults for account in self.accounts):
            return FAULTY
        return CUT if self.whole_from_ms else BALANCED


def balance(books: Books) -> Balance:
    """What became of everything in the books."""
    names, reach = books.names, books.reach
    refused = RejectBook(books.rejects, {names.samples, names.pairs, *map(names.windows, books.modalities)})
    bindings = BindingBook(books.bindings, refused, books.admissions)
    found = SampleBook((names.samples, names.rejects), names.pairs)
    samples = sample_account(books.samples, refused, bindings.outcomes, reach, found)
    windows = window_account(books.windows, refused, found, reach, books.hop_ns)
    bound = binding_account(bindings, found, books.admissions, reach)
    return Balance((windows, samples, bound, refused.account(reach)), max(reach.kept_from_ms.values(), default=0))
