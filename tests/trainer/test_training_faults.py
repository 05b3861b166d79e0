"""What befalls the trainer's loop, and what it says of it."""

import threading
from pathlib import Path

import pytest
from kafka import TopicPartition
from kafka.errors import KafkaConnectionError

from streams.messages.codec import encode_batch
from tests.support.memory_kafka import MemoryBroker, MemoryConsumer, MemoryMessage
from tests.support.recorded import Recorded, recorded, small_settings
from tests.support.training import Full, StopsAtTheEnd, filled, run, trainer_of
from tests.support.waiting import wait_until
from trainer.checkpoints.checkpoint import CheckpointFolder
from trainer.topics.publishing import NotTheOwner
from trainer.topics.samples import SampleLog


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RETRY_S", "LOOK_AFTER_S"):
        monkeypatch.setattr(f"trainer.training.{name}", 0.0)


class DiesAtFirst(StopsAtTheEnd):
    """The broker is away as soon as partitions are asked for."""

    n_left = 3

    def poll(self, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[object]]:  # type: ignore[override]
        self.n_left -= 1
        if self.n_left >= 0:
            raise KafkaConnectionError("it died")
        return super().poll(timeout_ms, max_records)


def test_a_broker_that_dies_in_its_first_seconds_does_not_end_it(tmp_path: Path) -> None:
    record = recorded()
    trainer = trainer_of(record, filled(record), CheckpointFolder(tmp_path), DiesAtFirst)
    run(trainer)
    assert trainer.parts.intake._consumer.n_left < 0
    assert trainer.parts.learner.cycles.n_done == 3


def test_the_models_topic_may_be_away_when_it_starts(tmp_path: Path) -> None:
    record = recorded()
    trainer = trainer_of(record, filled(record), CheckpointFolder(tmp_path))
    refresh, n_left = trainer.models.refresh, 2

    def away() -> object:
        nonlocal n_left
        n_left -= 1
        if n_left >= 0:
            raise KafkaConnectionError("away")
        return refresh()

    trainer.models.refresh = away  # type: ignore[assignment, method-assign]
    run(trainer)
    assert trainer.parts.learner.cycles.n_done == 3


def test_says_that_checkpoints_fail_until_one_is_written(tmp_path: Path) -> None:
    record = recorded()
    folder = Full(tmp_path)
    folder.n_left = 99
    trainer = trainer_of(record, filled(record), folder)
    run(trainer)
    assert trainer.readiness.complaints() == ["the checkpoint could not be written: [Errno 28] No space left on device"]
    folder.n_left = 0
    assert trainer.training._keeping.save()
    assert trainer.readiness.complaints() == []


def test_does_not_go_on_without_a_checkpoint_once_its_books_are_full(tmp_path: Path) -> None:
    record = recorded()
    folder = Full(tmp_path)
    folder.n_left = 20
    trainer = trainer_of(record, filled(record), folder, settings=small_settings(remembered_bindings=32))
    run(trainer)
    assert trainer.parts.learner.cycles.n_done == 3
    found = folder.latest()
    assert found is not None and folder.n_left == 0
    # The first cycle goes on without; the second waits for the disk.
    assert found.number == 2
    assert len(folder.admitted(2)) == 48


def stuck(record: Recorded, broker: MemoryBroker) -> tuple[MemoryConsumer, threading.Event]:
    """A reader of samples that brings none until it is let go."""
    go_on = threading.Event()

    class Stuck(MemoryConsumer):
        def poll(self, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[MemoryMessage]]:
            return super().poll(timeout_ms, max_records) if go_on.wait(0.01) else {}

    return Stuck(broker), go_on


def test_is_behind_and_says_so_while_it_searches_for_a_sample(tmp_path: Path) -> None:
    record = recorded()
    trainer = trainer_of(record, broker := filled(record), CheckpointFolder(tmp_path))
    consumer, go_on = stuck(record, broker)
    samples = SampleLog(consumer, trainer.parts.samples._again, "samples", 1)
    trainer.training._samples = samples
    n_messages = len(broker.logs[TopicPartition("pairs", 0)])
    thread = threading.Thread(target=run, args=[trainer], daemon=True)
    thread.start()
    wait_until(lambda: trainer.value("mmbind_lag_records", topic="pairs", partition="0") == n_messages, 20)
    broker.write("pairs", 0, encode_batch(record.bindings[:1]))
    wait_until(lambda: trainer.value("mmbind_lag_records", topic="pairs", partition="0") == n_messages + 1, 20)
    trainer.readiness._stall_s = 0.2
    wait_until(lambda: any("stands still" in one for one in trainer.readiness.complaints()), 20)
    trainer.readiness._stall_s = 60.0
    go_on.set()
    thread.join(60)
    assert trainer.readiness.complaints() == []
    assert trainer.value("mmbind_lag_records", topic="pairs", partition="0") == 0


def test_ends_where_somebody_else_published(tmp_path: Path) -> None:
    record = recorded()
    trainer = trainer_of(record, filled(record), CheckpointFolder(tmp_path))
    trainer.parts.publisher.refusal = NotTheOwner("version 7 was published by another training")
    with pytest.raises(NotTheOwner):
        run(trainer)
    assert trainer.parts.learner.cycles.n_done == 0


def test_takes_nothing_of_a_source_that_is_to_be_forgotten(tmp_path: Path) -> None:
    record = recorded()
    whole = trainer_of(record, filled(record), CheckpointFolder(tmp_path / "whole"))
    run(whole)
    gone = next(one.source_id for one in record.samples.values() if not one.held_out)
    n_gone = sum(one.source_id == gone for one in record.samples.values())
    trainer = trainer_of(record, filled(record), CheckpointFolder(tmp_path / "without"))
    trainer.forgotten.add(gone)
    run(trainer)
    counts = trainer.parts.learner.counts
    assert counts["forgotten"] == n_gone
    assert counts["admitted"] == whole.parts.learner.counts["admitted"] - n_gone
    assert trainer.value("mmbind_trainer_bindings_total", outcome="forgotten") == n_gone


def test_lets_go_of_what_it_has_of_a_source_that_is_to_be_forgotten(tmp_path: Path) -> None:
    record = recorded()
    trainer = trainer_of(record, filled(record), CheckpointFolder(tmp_path))
    run(trainer)
    learner = trainer.parts.learner
    held = {record.samples[name].source_id for name in learner.sample_ids}
    judge, taught = record.world.held_out[0], record.world.sources[-1]
    assert {judge, taught} <= held
    trainer.forgotten.update((judge, taught))
    trainer.training._forget()
    assert {record.samples[name].source_id for name in learner.sample_ids} == held - {judge, taught}
    assert learner.run_cycle().losses


def test_every_buffer_is_shown_beside_its_limit(tmp_path: Path) -> None:
    record = recorded()
    trainer = trainer_of(record, filled(record), CheckpointFolder(tmp_path))
    run(trainer)
    shown = {
        sample.labels["buffer"]: sample.value
        for family in trainer.metrics.collect()
        for sample in family.samples
        if sample.name == "mmbind_trainer_held_records"
    }
    assert shown["replay"] > 0 and shown["held-out"] > 0 and shown["remembered"] == 48
    for name, n_records in shown.items():
        limit = trainer.value("mmbind_trainer_held_limit_records", buffer=name)
        assert limit is not None and n_records <= limit
