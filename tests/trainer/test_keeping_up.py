"""The trainer's loop where more waits than it can train on, and where nothing does."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from streams.messages.codec import encode_batch
from streams.records import Binding
from tests.support.learners import assert_same, go_through, learner_of
from tests.support.memory_kafka import MemoryBroker
from tests.support.recorded import Recorded, recorded, small_settings
from tests.support.trainers import LENIENT
from tests.support.training import Trainer, filled, run, trainer_of
from trainer.checkpoints.checkpoint import CheckpointFolder
from trainer.checkpoints.progress import Progress, resumption, save
from trainer.learner import Learner
from trainer.pace import Pace, Pacing
from trainer.state import CycleReport
from trainer.step.step import StepResult
from trainer.topics.arrived import ArrivedBinding

RECORD = recorded(n_slots=24)


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.training.IDLE_S", 0.0)


def paces(monkeypatch: pytest.MonkeyPatch, *chosen: Pace | None) -> None:
    """Has the trainer choose these, one after the other, and then the usual one."""
    left = [*chosen]
    monkeypatch.setattr(Pacing, "choose", lambda self, n_waiting: left.pop(0) if left else None)


def trained(
    folder: Path, broker: MemoryBroker | None = None, record: Recorded = RECORD, **settings: object
) -> tuple[Trainer, CheckpointFolder]:
    kept = CheckpointFolder(folder)
    trainer = trainer_of(record, broker or filled(record), kept, settings=small_settings(**settings))
    run(trainer)
    return trainer, kept


def weights_by_choices(folder: CheckpointFolder, upto: int, record: Recorded = RECORD, **settings: object) -> Learner:
    """A learner that is told what was admitted and after how many of them how many steps were taken."""
    bindings = {(one.sample_id, one.round): one for one in record.bindings}
    learner = learner_of(record, **settings)
    for _, _, facts, admissions in folder.history(upto):
        done = 0
        for at, n_steps in facts["choices"]:
            for identity in admissions[done:at]:
                learner.admit(bindings[identity], record.samples)
            done = at
            for _ in range(n_steps):
                learner.extra_step()
        for identity in admissions[done:]:
            learner.admit(bindings[identity], record.samples)
    return learner


def same_steps(mine: Learner, yours: Learner) -> bool:
    """Whether both have the same encoders, in every bit, and the same to draw from."""
    one, other = mine.snapshot(), yours.snapshot()
    is_alike = [(one.arrays[name] == value).all() for name, value in other.arrays.items() if name.startswith("step/")]
    return all(is_alike) and (one.edges, one.admitted) == (other.edges, other.admitted)


def test_what_was_chosen_stands_in_the_checkpoints_and_gives_the_same_bits_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paces(monkeypatch, Pace(10, 1, 3), Pace(7, 2, 1))
    trainer, folder = trained(tmp_path, idle_cycles=2)
    last = folder.latest()
    assert last is not None
    choices = [choice for past in folder.history(last.number) for choice in past.facts["choices"]]
    assert sum(n_steps for _, n_steps in choices) == last.facts["learner"]["step"]["n_steps"]
    assert {1, 2, 4} <= {n_steps for _, n_steps in choices}, "both paces and the usual one"
    assert same_steps(trainer.parts.learner, weights_by_choices(folder, last.number, idle_cycles=2))


def test_paces_chosen_by_what_waits_give_the_same_bits_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.topics.bindings.BATCH_BINDINGS", 20)
    trainer, folder = trained(tmp_path, backlog_bindings=40, idle_cycles=1)
    last = folder.latest()
    assert last is not None
    told = [past.facts["learner"]["pace"] for past in folder.history(last.number)]
    assert any(told) and told[-1] is None, "a backlog at first, and none at the end"
    assert trainer.parts.learner.counts["admitted"] == sum(one.outcome != "held-out" for one in RECORD.bindings)
    assert same_steps(trainer.parts.learner, weights_by_choices(folder, last.number, idle_cycles=1))


def test_a_run_that_goes_on_from_a_checkpoint_keeps_the_pace_that_stands_in_it(tmp_path: Path) -> None:
    learner = go_through(learner_of(RECORD), RECORD.bindings[:40], RECORD.samples)
    learner.cycles.pace = Pace(10, 2, 3)
    folder = CheckpointFolder(tmp_path)
    save(folder, learner, Progress(), 0)
    found = resumption(folder)
    assert found is not None
    twin = found.learner(learner.specs, learner.shared, learner.settings, RECORD.samples, "cpu")
    n_steps, n_new = learner.snapshot().facts["step"]["n_steps"], learner.cycles.n_new
    for one in (learner, twin):
        go_through(one, RECORD.bindings[40:], RECORD.samples)
    n_after = sum(one.outcome != "held-out" for one in RECORD.bindings[40:])
    assert learner.snapshot().facts["step"]["n_steps"] == n_steps + 2 * ((n_new + n_after) // 10)
    assert_same(twin, learner)


def test_while_nothing_comes_more_steps_are_taken_and_only_so_many(tmp_path: Path) -> None:
    usual, _ = trained(tmp_path / "usual")
    more, folder = trained(tmp_path / "more", idle_cycles=2, gate={"refusals_before_return": 0})
    n_usual, n_more = (one.value("mmbind_train_steps_total") for one in (usual, more))
    assert n_usual is not None and n_more is not None
    assert n_usual < n_more <= n_usual + 2 * 4
    last = folder.latest()
    assert last is not None and last.facts["learner"]["step"]["n_steps"] == n_more


def test_steps_that_bring_nothing_are_not_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first version is the best for ever: what the idle steps give is not better."""
    usual, _ = trained(tmp_path / "usual", gate=LENIENT)
    left = [True]
    monkeypatch.setattr("trainer.candidate.is_better", lambda decision: bool(left and left.pop()))
    more, _ = trained(tmp_path / "more", idle_cycles=50, gate=LENIENT)
    n_usual, n_more = (one.value("mmbind_train_steps_total") for one in (usual, more))
    assert n_usual is not None and n_more == n_usual + 4


def rounds(n_rounds: int) -> Recorded:
    """The record, each sample with later rounds right after its first; the last has its partners, the others none."""
    bindings: list[Binding] = []
    for one in RECORD.bindings:
        if one.outcome == "held-out":
            bindings.append(one)
            continue
        for number in range(n_rounds):
            partners = one.partners if number == n_rounds - 1 else ()
            bindings.append(msgspec.structs.replace(one, round=number, partners=partners))
    return Recorded(RECORD.world, RECORD.samples, bindings)


def test_rounds_that_a_later_one_replaces_before_the_next_cycle_are_passed_over_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, n_read = rounds(4), 0
    read = ArrivedBinding.binding

    def counting(self: ArrivedBinding) -> Binding:
        nonlocal n_read
        n_read += 1
        return read(self)

    monkeypatch.setattr(ArrivedBinding, "binding", counting)
    trainer, _ = trained(tmp_path, record=record)
    learner = trainer.parts.learner
    n_superseded = learner.counts["superseded"]
    assert n_superseded > len(record.bindings) / 3
    assert n_read == len(record.bindings) - n_superseded
    assert same_steps(learner, go_through(learner_of(record), record.bindings, record.samples))


def test_a_round_is_not_passed_over_where_a_cycle_may_come_before_the_next(tmp_path: Path) -> None:
    """Every first round brings a cycle: what is trained on then must be what had come by then."""
    record = rounds(3)
    later = [one for one in record.bindings if one.round]
    first = [one for one in record.bindings if not one.round]
    mixed = [one for pair in zip(first[16:], later, strict=False) for one in pair]
    record = Recorded(RECORD.world, RECORD.samples, [*first[:16], *mixed])
    trainer, _ = trained(tmp_path, record=record, cycle_bindings=1, steps_per_cycle=1)
    wanted = learner_of(record, cycle_bindings=1, steps_per_cycle=1)
    assert same_steps(trainer.parts.learner, go_through(wanted, record.bindings, record.samples))
    assert trainer.parts.learner.cycles.n_done > 50


def test_what_comes_while_steps_are_taken_is_read_before_the_cycle_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainer.topics.bindings.BATCH_BINDINGS", 16)
    kept = []
    trainer = trainer_of(RECORD, filled(RECORD), CheckpointFolder(tmp_path))
    run_cycle, intake = Learner.run_cycle, trainer.parts.intake

    def watched(self: Learner, on_step: Callable[[StepResult], None] | None = None) -> CycleReport:
        before = intake.n_kept
        report = run_cycle(self, on_step)
        kept.append(intake.n_kept - before)
        return report

    monkeypatch.setattr(Learner, "run_cycle", watched)
    run(trainer)
    assert kept[0] > 100


def test_a_record_that_turns_out_to_be_no_binding_is_counted_and_passed(tmp_path: Path) -> None:
    broker = filled(RECORD)
    broker.write("pairs", 0, encode_batch([msgspec.structs.replace(RECORD.bindings[9], round=1, sequence=-1)]))
    trainer, _ = trained(tmp_path, broker)
    assert trainer.parts.intake.n_unreadable == 1
    assert trainer.parts.learner.counts.total() == len(RECORD.bindings)


def test_a_checkpoint_without_new_steps_offers_no_version_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paces(monkeypatch, Pace(10_000, 1, 1))
    trainer, folder = trained(tmp_path, idle_cycles=0)
    last = folder.latest()
    assert last is not None and last.number == 2, "one after the only cycle, one where the backlog is gone"
    assert trainer.parts.learner.cycles.n_done == 1
    said = [trainer.value("mmbind_gate_decisions_total", result=one) for one in ("passed", "refused")]
    assert sum(one or 0 for one in said) == 1
