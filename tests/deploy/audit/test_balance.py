"""Whatever record is taken away or written once more, the balance tells."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from deploy.audit.account import SampleEntry, WindowEntry
from deploy.audit.balance import BALANCED, FAULTY
from tests.support.books import CONSTANT, MODALITIES, NAMES, World, settled

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
