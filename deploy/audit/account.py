"""What entries the books hold, and an account of them: shares that add up, and faults. Performs no I/O."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from deploy.rejects.record import RecordPlace

What: TypeAlias = Literal["missing", "twice", "from nowhere", "two truths"]

SHOWN_FAULTS = 10
GONE = "before the log begins"


class WindowEntry(NamedTuple):
    """A record of a windows topic; `content` is a hash of source, modality and values, None if it is no window."""

    place: RecordPlace
    sent_ms: int
    source_id: str = ""
    modality: str = ""
    start_ns: int = 0
    content: int | None = None
    window_id: str | None = None

    @property
    def identity(self) -> str:
        """What it is called in a fault."""
        return "no window" if self.content is None else f"{self.source_id}/{self.modality}/{self.start_ns}"


class SampleEntry(NamedTuple):
    """A record of `samples`; without an id it is no sample. `contents` are of its windows, as in WindowEntry."""

    place: RecordPlace
    sent_ms: int
    sample_id: str | None = None
    contents: tuple[int, ...] = ()
    is_late: bool = False
    is_held_out: bool = False
    is_forgotten: bool = False
    start_ns: int = 0


class BindingEntry(NamedTuple):
    """A record of `pairs`; without an id it is no Binding. `content` is a hash of what it says of its partners."""

    place: RecordPlace
    sample_id: str | None = None
    round: int = 0
    outcome: str = ""
    content: int = 0


class Fault(NamedTuple):
    """One record that is missing, or counted twice, or of which nothing came before, with its places."""

    what: What
    identity: str
    places: tuple[RecordPlace, ...]


@dataclass(slots=True)
class Account:
    """`shares` say what became of each distinct entry, `notes` tell more; only the first `faults` are kept."""

    name: str
    shares: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    n_faults: Counter[What] = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)

    @property
    def n_in_all(self) -> int:
        """Of the shares."""
        return self.shares.total()

    def blame(self, what: What, identity: str, *places: RecordPlace) -> None:
        """Takes a fault down."""
        self.n_faults[what] += 1
        if len(self.faults) < SHOWN_FAULTS:
            self.faults.append(Fault(what, identity, places))


@dataclass(frozen=True, slots=True)
class Reach:
    """How far the services are, and how far back the topics go.

    Args:
        committed: The worker's offset by topic and partition: what lies before it has been dealt with.
        kept_from_ms: By topic of whose log something was deleted: all that was written from then on is still there.
    """

    committed: Mapping[tuple[str, int], int] = field(default_factory=dict)
    kept_from_ms: Mapping[str, int] = field(default_factory=dict)

    def is_done(self, place: RecordPlace) -> bool:
        """Whether the worker has dealt with it, so that something must have come of it."""
        return place.offset < self.committed.get((place.topic, place.partition), 0)

    def may_be_gone(self, topic: str, sent_ms: int) -> bool:
        """Whether what came of a record sent then may have been deleted from the topic."""
        return sent_ms < self.kept_from_ms.get(topic, 0)
