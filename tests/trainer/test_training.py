"""The trainer's loop in one process, on a broker in memory."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from kafka import TopicPartition
from kafka.errors import RebalanceInProgressError
from kafka.structs import OffsetAndMetadata

from streams.messages.codec import encode_batch
from streams.records import Binding, Sample
from tests.support.recorded import binding_of, recorded, small_settings
from tests.support.trainers import LENIENT
from tests.support.training import PAIRS, Full, StopsAtTheEnd, filled, run, trainer_of
from trainer.checkpoints.checkpoint import CheckpointFolder, admitted_twice
from trainer.learner import Learner
from trainer.training import AnotherTrainer


def test_checkpoints_then_commits_after_every_cycle(tmp_path: Path) -> None:
    record = recorded()
    trainer = trainer_of(record, broker := filled(record), CheckpointFolder(tmp_path))
    run(trainer)
    assert trainer.parts.learner.cycles.n_done == 3
    found = trainer.parts.folder.latest()
    assert found is not None and found.number == 3
    assert broker.committed[PAIRS] == found.facts["progress"]["next_pairs"]["0"]
    assert trainer.value("mmbind_train_cycles_total") == 3
    assert trainer.value("mmbind_train_steps_total") == 12
    assert admitted_twice(tmp_path) == 0


def test_versions_come_no_faster_than_is_wanted(tmp_path: Path) -> None:
    record = recorded()
    seen = []
    for number, gate in enumerate((LENIENT, {"min_effective_rank": 1000})):
        settings = small_settings(publish_every_s=3600, gate=gate)
        trainer = trainer_of(record, filled(record), CheckpointFolder(tmp_path / str(number)), settings=settings)
        run(trainer)
        assert trainer.parts.learner.cycles.n_done == 3
        seen.append([trainer.value("mmbind_gate_decisions_total", result=one) for one in ("passed", "refused")])
    assert seen[0][0] == 1
    assert seen[1] == [0, 3], "one that is refused is nobody's burden"


def test_a_full_disk_stops_neither_training_nor_the_next_checkpoint(tmp_path: Path) -> None:
    record = recorded()
    folder = Full(tmp_path)
    folder.n_left = 2
    trainer = trainer_of(record, broker := filled(record), folder)
    run(trainer)
    found = folder.latest()
    assert found is not None and (found.number, found.parent) == (1, 0)
    assert len(found.admissions) == 48
    assert trainer.value("mmbind_checkpoint_failures_total") == 2
    assert broker.committed[PAIRS] == found.facts["progress"]["next_pairs"]["0"]


def test_nothing_is_committed_or_offered_that_was_not_saved(tmp_path: Path) -> None:
    record = recorded()
    folder = Full(tmp_path)
    folder.n_left = 99
    trainer = trainer_of(record, broker := filled(record), folder)
    run(trainer)
    assert trainer.parts.learner.cycles.n_done == 3
    assert broker.committed == {}
    assert trainer.models.keys == []
    assert [trainer.value("mmbind_gate_decisions_total", result=one) for one in ("passed", "refused")] == [0, 0]


def test_a_binding_whose_sample_is_nowhere_is_counted_lost_and_the_rest_goes_on(tmp_path: Path) -> None:
    record = recorded()
    broker = filled(record)
    gone = next(one for one in record.bindings if one.outcome == "bound")
    written = broker.logs[TopicPartition("samples", 0)]
    place = list(record.samples).index(gone.sample_id)
    written[place] = replace(written[place], value=encode_batch([]))
    trainer = trainer_of(record, broker, CheckpointFolder(tmp_path))
    run(trainer)
    assert trainer.parts.learner.counts["sample-lost"] == 1
    assert trainer.parts.learner.counts["admitted"] == 47


def test_gives_up_where_another_trainer_keeps_its_partitions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.training.TAKEOVER_S", 0.0)
    record = recorded()
    trainer = trainer_of(record, filled(record), CheckpointFolder(tmp_path))
    trainer.parts.intake._consumer.give([])
    with pytest.raises(AnotherTrainer, match="stop it first"):
        run(trainer)


def test_a_topic_that_nobody_knows_yet_is_no_other_trainer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.training.TAKEOVER_S", 0.0)
    record = recorded()
    broker = filled(record)
    pairs = broker.logs.pop(PAIRS)
    trainer = trainer_of(record, broker, CheckpointFolder(tmp_path))
    consumer = trainer.parts.intake._consumer
    consumer.give([])

    def comes_to_be(topic: str) -> set[int]:
        broker.logs[PAIRS] = pairs
        consumer.give([PAIRS])
        return set()

    monkeypatch.setattr(consumer, "partitions_for_topic", comes_to_be)
    run(trainer)
    assert trainer.parts.learner.cycles.n_done == 3


class Rejoining(StopsAtTheEnd):
    """Refuses one commit during a rebalance, and from then on all until it was polled."""

    must_rejoin = True
    n_refused = 0

    def commit(self, offsets: Mapping[TopicPartition, OffsetAndMetadata], timeout_ms: int) -> None:
        if self.must_rejoin:
            self.n_refused += 1
            assert self.n_refused < 10, "it never waited for the group's answer"
            raise RebalanceInProgressError
        super().commit(offsets, timeout_ms)

    def poll(self, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[object]]:  # type: ignore[override]
        # Kafka's client does not come to the end of a rejoin where it is given no time.
        if self.n_refused and timeout_ms:
            self.must_rejoin = False
        return super().poll(timeout_ms, max_records)


def test_a_commit_that_a_rebalance_refused_is_polled_for_and_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainer.training.RETRY_S", 0.0)
    record = recorded()
    trainer = trainer_of(record, broker := filled(record), CheckpointFolder(tmp_path), Rejoining)
    run(trainer)
    assert trainer.parts.learner.cycles.n_done == 3
    assert PAIRS in broker.committed
    assert trainer.parts.intake._consumer.n_refused == 1


def test_repeated_bindings_do_not_bring_a_cycle_nearer(tmp_path: Path) -> None:
    record = recorded()
    broker = filled(record)
    one = next(iter(record.bindings))
    for _ in range(40):
        broker.write("pairs", 0, encode_batch([binding_of(record.samples[one.sample_id], (), "held-out")]))
        broker.write("pairs", 0, encode_batch([record.bindings[10]]))
    trainer = trainer_of(record, broker, CheckpointFolder(tmp_path))
    run(trainer)
    assert trainer.parts.learner.cycles.n_done == 3
    assert trainer.parts.learner.counts["repeated"] == 40


def test_a_binding_that_ended_two_trainers_is_passed_over_and_the_rest_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = recorded()
    bad, admit = record.bindings[20], Learner.admit

    def faulty(self: Learner, binding: Binding, found: Mapping[str, Sample]) -> bool:
        if binding.sample_id == bad.sample_id:
            raise ZeroDivisionError("a Binding that nobody thought of")
        return admit(self, binding, found)

    monkeypatch.setattr(Learner, "admit", faulty)
    folder = CheckpointFolder(tmp_path / "checkpoints")
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            run(trainer_of(record, filled(record), folder))
    monkeypatch.setattr("trainer.training.LOOK_AFTER_S", -1.0)
    trainer = trainer_of(record, filled(record), folder)
    run(trainer)
    assert trainer.parts.learner.counts.total() == len(record.bindings) - 1
    assert trainer.value("mmbind_trainer_unreadable_records") == 1
