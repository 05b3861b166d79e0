"""Books that balance, to take records away from."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from deploy.audit.account import BindingEntry, Reach, SampleEntry, WindowEntry
from deploy.audit.balance import Balance, Books, balance
from deploy.audit.binding_account import Admissions
from deploy.rejects.record import RecordPlace
from streams.messages.topic_names import TopicNames

NAMES = TopicNames("t.")
MODALITIES = ("a", "b")
CONSTANT = 7  # what a sensor that is stuck sends, again and again

Rejected = tuple[RecordPlace, str]


@dataclass
class World:
    """Consistent books, as lists; what waits comes last in each topic."""

    windows: list[WindowEntry] = field(default_factory=list)
    rejects: list[Rejected] = field(default_factory=list)
    samples: list[SampleEntry] = field(default_factory=list)
    bindings: list[BindingEntry] = field(default_factory=list)
    admitted: list[tuple[str, int]] = field(default_factory=list)
    committed: dict[tuple[str, int], int] = field(default_factory=dict)
    n_done_bindings: int = 0
    kept_from_ms: dict[str, int] = field(default_factory=dict)
    is_whole: bool = True

    def balance(self) -> Balance:
        return balance(
            Books(
                NAMES,
                MODALITIES,
                self.windows,
                self.samples,
                self.bindings,
                dict(self.rejects),
                Admissions(self.admitted, {0: self.n_done_bindings}, self.is_whole),
                Reach(self.committed, self.kept_from_ms),
            )
        )

    def place(self, topic: str, entries: Sequence[Any]) -> RecordPlace:
        return RecordPlace(topic, 0, sum(one.place.topic == topic for one in entries), 0)

    def window(self, modality: str, start_ns: int, content: int | None) -> WindowEntry:
        place = self.place(NAMES.windows(modality), self.windows)
        self.windows.append(WindowEntry(place, start_ns, "node", modality, start_ns, content))
        return self.windows[-1]

    def sample(self, windows: Sequence[WindowEntry], is_late: bool = False, is_held_out: bool = False) -> SampleEntry:
        place = self.place(NAMES.samples, self.samples)
        contents = tuple(one.content for one in windows if one.content is not None)
        sample_id, start_ns = f"s{len(self.samples)}", min(one.start_ns for one in windows)
        entry = SampleEntry(place, place.offset, sample_id, contents, is_late, is_held_out, start_ns=start_ns)
        self.samples.append(entry)
        return self.samples[-1]

    def binding(self, sample: SampleEntry, round_: int = 0) -> BindingEntry:
        place = self.place(NAMES.pairs, self.bindings)
        outcome = "held-out" if sample.is_held_out else "bound"
        self.bindings.append(BindingEntry(place, sample.sample_id, round_, outcome, round_))
        return self.bindings[-1]

    def settle(self) -> None:
        """All that is there up to now is done."""
        places = [one.place for one in self.windows] + [one.place for one in self.samples]
        for place in places:
            self.committed[place.topic, 0] = max(self.committed.get((place.topic, 0), 0), place.offset + 1)
        self.n_done_bindings = len(self.bindings)


def settled() -> World:
    world = World()
    for start_ns in range(4):
        sample = world.sample(
            [world.window("a", start_ns, 100 + start_ns), world.window("b", start_ns, 200 + start_ns)]
        )
        world.admitted.append((str(world.binding(sample).sample_id), 0))
    world.settle()
    return world
