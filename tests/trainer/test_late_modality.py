"""A modality that is declared later than the others: a trainer restarted with it goes on as it was, and learns it."""

from collections.abc import Mapping
from pathlib import Path

import msgspec
import numpy as np

from encoders.modality import ModalitySpec
from encoders.scaling import fit_scaling
from streams.records import Sample
from tests.support.learners import RECORDED, go_through
from tests.support.recorded import Recorded, binding_of, small_settings
from trainer.candidate import bundle_of
from trainer.checkpoints.checkpoint import CheckpointFolder
from trainer.checkpoints.progress import Progress, resumption, save
from trainer.learner import Learner

DEPTH = ModalitySpec(name="depth", n_channels=192, n_steps=5, rate_hz=1.0)
N_BEFORE = 30
SPECS = RECORDED.world.specs
MORE_SPECS = {**SPECS, DEPTH.name: DEPTH}


def interrupted(record: Recorded = RECORDED) -> Learner:
    learner = Learner(SPECS, record.world.shared, small_settings())
    return go_through(learner, record.bindings[:N_BEFORE], record.samples)


def restarted(learner: Learner, specs: Mapping[str, ModalitySpec]) -> Learner:
    return Learner(specs, learner.shared, learner.settings, state=learner.snapshot(), samples=RECORDED.samples)


def assert_same_but_for_depth(learner: Learner, other: Learner) -> None:
    mine, theirs = learner.snapshot(), other.snapshot()
    assert {name for name in mine.arrays if "/depth/" not in name} == set(theirs.arrays)
    for name, value in theirs.arrays.items():
        np.testing.assert_array_equal(mine.arrays[name], value, strict=True, err_msg=name)
    assert (mine.edges, mine.admitted) == (theirs.edges, theirs.admitted)
    facts = [{name: fact for name, fact in one.facts.items() if name != "step"} for one in (mine, theirs)]
    assert facts[0] == facts[1]


def with_depth(sample: Sample, number: int, label: int) -> Sample:
    """A sample of a new source that has a few frames beside the shared modality; they tell the class apart."""
    rng = np.random.default_rng(number)
    frames = np.random.default_rng(label).normal(size=(5, 192)) + rng.normal(0, 0.2, (5, 192))
    frames = frames.astype(np.float32)
    shared = RECORDED.world.shared
    return msgspec.structs.replace(
        sample,
        sample_id=f"late@{number}",
        source_id="late",
        windows={shared: sample.windows[shared], DEPTH.name: frames},
        scaling={shared: sample.scaling[shared], DEPTH.name: fit_scaling(frames[None])},
    )


def test_a_restart_with_one_more_modality_changes_no_bit_of_the_others() -> None:
    before = interrupted()
    assert_same_but_for_depth(restarted(before, MORE_SPECS), before)


def test_until_it_comes_the_others_go_on_bit_by_bit_alike() -> None:
    before = interrupted()
    rest = RECORDED.bindings[N_BEFORE:]
    more = go_through(restarted(before, MORE_SPECS), rest, RECORDED.samples)
    assert_same_but_for_depth(more, go_through(restarted(before, SPECS), rest, RECORDED.samples))
    assert DEPTH.name not in bundle_of(more, 1, 0, 0).weights


def test_a_modality_that_the_state_lacks_starts_as_it_would_in_a_new_learner() -> None:
    before = interrupted()
    fresh = Learner(MORE_SPECS, before.shared, before.settings).snapshot().arrays
    found = restarted(before, MORE_SPECS).snapshot().arrays
    own = [name for name in fresh if "/depth/" in name]
    assert own and all(np.array_equal(found[name], fresh[name]) for name in own)


def test_it_is_trained_and_judged_once_it_comes() -> None:
    learner = restarted(interrupted(), MORE_SPECS)
    learner.crown(1)
    fresh = learner.snapshot().arrays
    natural = [one for one in RECORDED.samples.values() if not one.held_out][:20]
    late = {one.sample_id: one for one in (with_depth(one, i, one.label) for i, one in enumerate(natural))}  # type: ignore[arg-type]
    go_through(learner, [binding_of(one, ()) for one in late.values()], late)
    for number, one in enumerate(late.values()):
        held_out = msgspec.structs.replace(one, sample_id=f"held-out@{number}", held_out=True)
        learner.hold_out(held_out)
    learner.run_cycle()
    assert DEPTH.name in bundle_of(learner, 2, 1, 0).weights
    assert any(not np.array_equal(fresh[name], value) for name, value in learner.snapshot().arrays.items())
    assert "retrieval/acceleration->depth/mrr" in learner.evaluate().figures
    # The best so far knows nothing of it and is judged all the same.
    best = learner.evaluate_best()
    assert best is not None and not any("depth" in name for name in best.figures)


def test_natural_pairs_are_judged_beside_the_bound_ones() -> None:
    learner = go_through(Learner(SPECS, RECORDED.world.shared, small_settings()), RECORDED.bindings, RECORDED.samples)
    evaluation = learner.evaluate()
    judged = {name.split("/")[1] for name in evaluation.judged if name.startswith("natural/")}
    assert judged == {
        f"{one}->{other}"
        for name in ("gravity", "gyroscope")
        for one, other in (("acceleration", name), (name, "acceleration"))
    }
    found = evaluation.figures["retrieval/acceleration->gravity/mrr"]
    assert evaluation.judged["natural/acceleration->gravity/mrr"] == found


def test_a_checkpoint_is_taken_up_by_settings_that_declare_one_more(tmp_path: Path) -> None:
    before = interrupted()
    folder = CheckpointFolder(tmp_path)
    save(folder, before, Progress(), parent=0)
    found = resumption(folder)
    assert found is not None
    more = found.learner(MORE_SPECS, before.shared, before.settings, RECORDED.samples, "cpu")
    assert_same_but_for_depth(more, interrupted_and_saved())


def interrupted_and_saved() -> Learner:
    learner = interrupted()
    learner.saved()
    return learner
