"""Whatever record is taken away or written once more, the balance tells."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.audit.account import BindingEntry, Reach, SampleEntry, WindowEntry
from deploy.audit.balance import BALANCED, CUT, FAULTY, Balance, Books, balance
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


slots = st.tuples(
    st.integers(1, 2),  # modalities that have a window
    st.sampled_from(["sample", "late", "rejected", "undecodable", "held-out"]),
    st.booleans(),  # stuck: the values of all such windows are the same
    st.sampled_from(["once", "refused-again", "dropped-again"]),
    st.integers(0, 2),  # later rounds
)


@st.composite
def worlds(draw: Callable[[Any], Any]) -> World:
    world = World()
    for start_ns, (n, fate, is_stuck, repeat, rounds) in enumerate(draw(st.lists(slots, min_size=1, max_size=6))):
        contents = [(CONSTANT if is_stuck else 100 + 10 * start_ns) + place for place in range(n)]
        if fate == "undecodable":
            contents = [None] * n  # type: ignore[list-item]
        windows = [world.window(MODALITIES[place], start_ns, contents[place]) for place in range(n)]
        if fate in ("rejected", "undecodable"):
            world.rejects += [(one.place, "shape") for one in windows]
            continue
        if repeat != "once":
            again = world.window("a", start_ns, contents[0])
            world.rejects += [(again.place, "duplicate")] if repeat == "refused-again" else []
        sample = world.sample(windows, fate == "late", fate == "held-out")
        for round_ in range(1 if fate == "held-out" else 1 + rounds):
            world.binding(sample, round_)
            world.admitted += [(str(sample.sample_id), round_)] * (fate != "held-out")
    world.settle()
    if draw(st.booleans()):
        world.window("a", 50, 5000)
        world.binding(world.sample([world.window("b", 51, 5001)]))
        world.sample([world.window("b", 52, 5002)])
    return world


@given(worlds())
def test_what_is_consistent_balances(world: World) -> None:
    found = world.balance()
    assert found.exit_code == BALANCED, found
    assert found.accounts[0].n_in_all == len(world.windows)
    assert found.accounts[1].n_in_all == len(world.samples)
    assert found.accounts[2].n_in_all == len(world.bindings)


LISTS = ("windows", "rejects", "samples", "bindings", "admitted")


@given(worlds(), st.sampled_from(LISTS), st.integers(0, 1000))
def test_a_record_taken_away_is_told(world: World, name: str, number: int) -> None:
    before, records = world.balance(), getattr(world, name)
    if not records:
        return
    gone = records.pop(number % len(records))
    after = world.balance()
    assert after.accounts != before.accounts
    if is_needed(world, name, gone):
        assert after.exit_code == FAULTY, gone


def is_needed(world: World, name: str, gone: Any) -> bool:
    """Whether nothing else stands for what is gone, and it does not wait."""
    if name == "windows":
        alike = {(one.start_ns, one.modality) for one in world.windows}
        return is_done(world, gone) and (gone.start_ns, gone.modality) not in alike
    if name == "bindings":
        return gone.round == 0 and bool(gone.place.offset < world.n_done_bindings)
    if name == "samples":
        return is_done(world, gone)
    # Without its reject a duplicate is one that was dropped; of a later round nobody knows why it is not there.
    return bool(gone[1] != "duplicate" if name == "rejects" else not gone[1])


def is_done(world: World, gone: WindowEntry | SampleEntry) -> bool:
    return gone.place.offset < world.committed.get((gone.place.topic, 0), 0)


@given(worlds(), st.sampled_from(LISTS), st.integers(0, 1000))
def test_a_record_written_once_more_is_told(world: World, name: str, number: int) -> None:
    before, records = world.balance(), getattr(world, name)
    if not records or name == "rejects":  # these are known by the place that they name
        return
    again = records[number % len(records)]
    if name != "admitted":
        again = again._replace(place=world.place(again.place.topic, records))
    records.append(again)
    after = world.balance()
    assert after.accounts != before.accounts
    # What is written again under the same identity is dropped by whoever reads it; trained twice it must never be.
    assert after.exit_code == (FAULTY if name == "admitted" else after.exit_code)


@given(worlds(), st.integers(0, 1000))
def test_a_sample_written_under_another_id_counts_its_windows_twice(world: World, number: int) -> None:
    if not world.samples:
        return
    again = world.samples[number % len(world.samples)]
    world.samples.append(again._replace(sample_id="forged", place=world.place(NAMES.samples, world.samples)))
    found = world.balance()
    assert found.exit_code == FAULTY
    assert found.accounts[0].n_faults["twice"] == len(again.contents)


def settled() -> World:
    world = World()
    for start_ns in range(4):
        sample = world.sample(
            [world.window("a", start_ns, 100 + start_ns), world.window("b", start_ns, 200 + start_ns)]
        )
        world.admitted.append((str(world.binding(sample).sample_id), 0))
    world.settle()
    return world


@pytest.mark.parametrize("topic", [NAMES.windows("a"), NAMES.samples, NAMES.pairs])
def test_what_was_deleted_is_not_missing_but_the_log_is_said_to_be_cut(topic: str) -> None:
    world = settled()
    lists: dict[str, list[Any]] = {NAMES.samples: world.samples, NAMES.pairs: world.bindings}
    entries = lists.get(topic, world.windows)
    gone = [one for one in entries if one.place.topic == topic][:2]
    for one in gone:
        entries.remove(one)
    world.kept_from_ms = {topic: 2}
    found = world.balance()
    assert (found.exit_code, found.whole_from_ms) == (CUT, 2), found


def test_what_is_missing_although_the_log_is_cut_before_it_is_told() -> None:
    world = settled()
    del world.samples[3], world.samples[0]
    world.kept_from_ms = {NAMES.samples: 1}
    found = world.balance()
    assert found.exit_code == FAULTY
    assert found.accounts[0].n_faults == {"missing": 2}


def stuck() -> World:
    """A sensor that sends the same values four times; the first two windows were deleted."""
    world = World()
    for start_ns in range(4):
        sample = world.sample([world.window("a", start_ns, CONSTANT)])
        world.admitted.append((str(world.binding(sample).sample_id), 0))
    world.settle()
    del world.windows[:2]
    world.kept_from_ms = {NAMES.windows("a"): 2}
    return world


def test_samples_of_deleted_windows_are_not_counted_twice_where_a_sensor_repeats_itself() -> None:
    found = stuck().balance()
    assert found.exit_code == CUT, found
    assert found.accounts[0].notes == {"in samples, sent before the log begins": 2}


def test_a_window_in_two_samples_is_told_although_the_log_is_cut() -> None:
    world = stuck()
    forged = world.samples[-1]._replace(sample_id="forged", place=world.place(NAMES.samples, world.samples))
    world.samples.append(forged)
    found = world.balance()
    assert found.exit_code == FAULTY
    [fault] = [fault for fault in found.accounts[0].faults if fault.what == "twice"]
    assert fault.places[0] == world.windows[-1].place


def test_one_id_with_two_contents_is_two_truths() -> None:
    world = settled()
    only_there = world.window("a", 9, 300)
    world.samples.append(world.samples[0]._replace(contents=(300,), place=world.place(NAMES.samples, world.samples)))
    world.settle()
    faults = [(fault.what, fault.places[0]) for one in world.balance().accounts for fault in one.faults]
    assert faults == [("missing", only_there.place), ("two truths", world.samples[0].place)]


def test_a_binding_admitted_before_what_is_remembered_is_expired() -> None:
    world = settled()
    world.admitted = world.admitted[2:]
    assert world.balance().exit_code == FAULTY
    shares = replace(world, is_whole=False).balance().accounts[2].shares
    assert shares == {"expired": 2, "admitted": 2}
