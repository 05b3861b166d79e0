"""A learner that was stopped anywhere goes on bit by bit as one that was not."""

from pathlib import Path

import pytest

from tests.support.learners import RECORDED, assert_same, go_through, learner_of, restored
from tests.support.recorded import recorded
from trainer.checkpoints.checkpoint import Checkpoint, CheckpointFolder, admitted_twice
from trainer.judging.evaluation import PAIRS_UNKNOWN
from trainer.learner import Learner
from trainer.state import LearnerState


def test_the_same_bindings_give_the_same_bits() -> None:
    assert_same(go_through(learner_of(), RECORDED.bindings), go_through(learner_of(), RECORDED.bindings))


def test_another_seed_gives_other_encoders() -> None:
    mine, yours = (go_through(learner_of(seed=seed), RECORDED.bindings).snapshot() for seed in (0, 1))
    assert any((value != yours.arrays[name]).any() for name, value in mine.arrays.items() if "weights" in name)


@pytest.mark.parametrize("stop", [5, 25, 37])
def test_goes_on_bit_by_bit_alike_from_a_snapshot_between_any_two_bindings(stop: int) -> None:
    whole = go_through(learner_of(), RECORDED.bindings)
    first = go_through(learner_of(), RECORDED.bindings[:stop])
    assert_same(go_through(restored(first, RECORDED.samples), RECORDED.bindings[stop:]), whole)


class Killed(Exception):  # noqa: N818 - what happens to the trainer
    pass


def test_killed_in_the_middle_of_a_cycle_and_resumed_from_disk_it_has_the_same_bits(tmp_path: Path) -> None:
    """The checkpoint of the last whole cycle is loaded, the samples are looked up, the Bindings after it come again."""
    whole = go_through(learner_of(replay_samples=30), RECORDED.bindings)
    folder = CheckpointFolder(tmp_path)

    def train(learner: Learner, start: int, parent: int, kill_in_cycle: int) -> None:
        for place, binding in enumerate(RECORDED.bindings[start:], start):
            learner.admit(binding, RECORDED.samples)
            if not learner.cycle_due:
                continue
            n_left = 3

            def on_step(result: object) -> None:
                nonlocal n_left
                n_left -= 1
                if learner.cycles.n_done + 1 == kill_in_cycle and not n_left:
                    raise Killed

            learner.run_cycle(on_step)
            state = learner.snapshot()
            facts = {"learner": dict(state.facts), "next": place + 1}
            parent = folder.save(Checkpoint(state.arrays, facts, state.edges, state.admissions, parent)).number
            learner.saved()

    def resume() -> tuple[Learner, int, int]:
        found = folder.latest()
        assert found is not None
        admitted = tuple(folder.admitted(found.number))
        state = LearnerState(found.arrays, found.facts["learner"], found.edges, (), admitted)
        # Looked up in the log once more: other objects, and only those that the checkpoint asks for.
        wanted = {edges.sample_id for edges in found.edges} | set(state.facts["held_out"])
        samples = {name: sample for name, sample in recorded().samples.items() if name in wanted}
        learner = Learner(whole.specs, whole.shared, whole.settings, state=state, samples=samples)
        return learner, found.facts["next"], found.number

    with pytest.raises(Killed):
        train(learner_of(replay_samples=30), 0, 0, kill_in_cycle=2)
    learner, start, parent = resume()
    # A crash between checkpoint and commit, too: the last few Bindings before it come again and are dropped.
    with pytest.raises(Killed):
        train(learner, start - 6, parent, kill_in_cycle=3)
    learner, start, parent = resume()
    assert parent == 2
    train(learner, start, parent, kill_in_cycle=0)
    assert_same(learner, whole)
    assert admitted_twice(tmp_path) == 0


def test_the_best_so_far_is_judged_on_the_same_samples() -> None:
    learner = go_through(learner_of(), RECORDED.bindings)
    assert learner.evaluate_best() is None
    learner.crown(1)
    crowned = learner.evaluate()
    learner.run_cycle()
    best = learner.evaluate_best()
    again = restored(learner, RECORDED.samples).evaluate_best()
    assert best is not None and again is not None
    assert best.figures == again.figures
    assert best.figures | {PAIRS_UNKNOWN: 1.0} == crowned.figures
    assert learner.evaluate().figures != crowned.figures


def test_leaves_out_and_counts_samples_that_are_no_longer_found() -> None:
    learner = go_through(learner_of(), RECORDED.bindings)
    gone = next(one.sample_id for one in RECORDED.samples.values() if not one.held_out)
    samples = {name: one for name, one in RECORDED.samples.items() if name != gone}
    assert restored(learner, samples).n_missing == 1
