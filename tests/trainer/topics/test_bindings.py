import pytest
from kafka import TopicPartition
from kafka.errors import KafkaTimeoutError

from streams.messages.codec import encode_batch
from streams.messages.rejects import InvalidRecord
from streams.records import Binding
from tests.support.memory_kafka import MemoryBroker, MemoryConsumer, MemoryMessage
from trainer.topics.bindings import BindingIntake, DataGone

TPS = [TopicPartition("pairs", partition) for partition in range(2)]


def binding(number: int) -> Binding:
    return Binding(sample_id=f"a@{number}", round=0, model_version=0, outcome="alone")


class World:
    """Partition 0 has messages of two Bindings, partition 1 of one."""

    def __init__(self, **intake: object) -> None:
        self.broker = MemoryBroker()
        for number in range(0, 6, 2):
            self.broker.write("pairs", 0, encode_batch([binding(number), binding(number + 1)]))
        self.broker.write("pairs", 1, encode_batch([binding(10)]))
        self.consumer = MemoryConsumer(self.broker)
        self.intake = BindingIntake(self.consumer, "pairs", 2, **intake)  # type: ignore[arg-type]

    def all_ids(self) -> list[str]:
        ids = []
        for _ in range(5):
            for one in self.intake.poll(0):
                ids.append(one.sample_id)
                self.intake.done(one)
        return ids


def test_gives_the_bindings_of_each_partition_in_order() -> None:
    ids = World().all_ids()
    assert [name for name in ids if name != "a@10"] == [f"a@{number}" for number in range(6)]
    assert len(ids) == 7


def test_goes_on_after_a_message_only_when_all_of_it_is_done() -> None:
    world = World()
    first, second, *_ = world.intake.poll(0)
    world.intake.done(first)
    assert world.intake.offsets == {0: 0, 1: 0}
    world.intake.done(second)
    assert world.intake.offsets == {0: 1, 1: 0}


def test_begins_where_it_is_told_and_not_where_the_group_has_committed() -> None:
    world = World(offsets={0: 2})
    world.broker.committed[TPS[0]] = 3
    assert sorted(world.all_ids()) == ["a@10", "a@4", "a@5"]


def test_says_what_it_was_trained_on() -> None:
    world = World(offsets={0: 2}, firsts={0: 1})
    world.all_ids()
    assert [(one.partition, one.first, one.end) for one in world.intake.ranges] == [(0, 1, 3), (1, 0, 1)]


def test_keeps_what_comes_in_while_a_cycle_is_trained() -> None:
    world = World()
    arrived = world.intake.poll(0)
    for _ in range(5):
        world.intake.keep_alive()
    assert len(arrived) + len(world.intake.poll(0)) == 7


def test_gives_and_commits_nothing_while_another_trainer_holds_a_partition() -> None:
    world = World()
    world.consumer.give(TPS[:1])
    assert world.intake.poll(0) == []
    assert not world.intake.is_sole
    assert not world.intake.commit()
    world.consumer.give(TPS)
    assert len(world.all_ids()) == 7
    assert world.intake.commit()
    assert world.broker.committed == {TPS[0]: 3, TPS[1]: 1}


def test_what_is_not_done_comes_again_after_a_rebalance() -> None:
    world = World()
    for one in world.intake.poll(0)[:2]:
        world.intake.done(one)
    world.consumer.give(TPS)
    assert sorted(world.all_ids()) == ["a@10", *(f"a@{number}" for number in range(2, 6))]


def test_a_commit_that_the_broker_does_not_take_is_an_error() -> None:
    world = World()
    world.all_ids()
    world.broker.is_away = True
    with pytest.raises(KafkaTimeoutError):
        world.intake.commit()


def test_a_log_that_is_shorter_than_what_was_read_means_that_the_data_is_gone() -> None:
    world = World()
    world.all_ids()
    for written in world.broker.logs.values():
        written.clear()
    with pytest.raises(DataGone, match="ends at 0"):
        world.intake.poll(0)


def test_says_how_much_was_deleted_before_it_was_read() -> None:
    world = World(offsets={0: 1, 1: 0}, firsts={0: 0})
    world.broker.starts[TPS[0]] = 2
    assert "a@4" in world.all_ids()
    assert world.intake.n_deleted == 1


def test_passes_over_what_is_no_binding_and_counts_it() -> None:
    world = World()
    world.broker.write("pairs", 1, b"\xc1")
    world.broker.write(
        "pairs", 1, b"[" + b'{"round":1},' + b'{"sample_id":"b@1","round":0,"model_version":0,"outcome":"alone"}]'
    )
    assert "b@1" in world.all_ids()
    assert world.intake.n_unreadable == 2


def test_knows_how_far_it_is_behind() -> None:
    world = World()
    for one in world.intake.poll(0)[:2]:
        world.intake.done(one)
    assert world.intake.lags() == {0: 2, 1: 1}


def test_is_behind_by_what_the_broker_has_though_nothing_more_is_read() -> None:
    world = World()
    world.intake.poll(0)
    for number in range(20, 25):
        world.broker.write("pairs", 1, encode_batch([binding(number)]))
    assert world.intake.lags() == {0: 3, 1: 6}
    world.broker.is_away = True
    assert world.intake.lags() == {0: 3, 1: 6}


def test_messages_without_a_binding_do_not_leave_it_behind() -> None:
    world = World()
    for value in (b"\xc1", encode_batch([]), b"\xc1"):
        world.broker.write("pairs", 1, value)
    for _ in range(5):
        world.intake.keep_alive()
    world.all_ids()
    assert world.intake.lags() == {0: 0, 1: 0}
    assert world.intake.offsets == {0: 3, 1: 4}


class OneAfterTheOther(MemoryConsumer):
    """Delivers the first messages of the first partition, as a large answer of a broker does, then the second's."""

    def poll(self, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[MemoryMessage]]:
        polled = super().poll(timeout_ms, max_records)
        if self.n_messages < 100 and TPS[1] in polled:
            self.seek(TPS[1], 0)
            del polled[TPS[1]]
        return polled


def test_no_partition_is_worked_off_ahead_of_another() -> None:
    broker = MemoryBroker()
    for number in range(60):
        broker.write("pairs", number % 2, encode_batch([binding(number)]), timestamp=number)
    intake = BindingIntake(OneAfterTheOther(broker), "pairs", 2)
    ids = []
    for _ in range(200):
        for one in intake.poll(0):
            ids.append(one.sample_id)
            intake.done(one)
    assert ids == [f"a@{number}" for number in range(60)]


def test_a_partition_that_does_not_answer_holds_up_the_others_for_a_while_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    monkeypatch.setattr(world.consumer, "highwater", lambda tp: None)
    world.broker.logs[TPS[1]].clear()
    assert [world.intake.poll(0) for _ in range(3)] == [[], [], []]
    monkeypatch.setattr("trainer.topics.bindings.UNEVEN_S", 0.0)
    assert len(world.all_ids()) == 6


def test_reads_ahead_only_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.topics.bindings.KEPT_BINDINGS", 5)
    world = World()
    world.intake.poll(0)
    for number in range(20, 40):
        world.broker.write("pairs", 1, encode_batch([binding(number)]))
    world.intake.read_ahead(3)
    assert 3 <= world.intake.n_kept <= 4
    world.intake.read_ahead(99)
    assert 5 <= world.intake.n_kept <= 6


def test_gives_no_more_at_once_than_their_samples_may_be_held_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.topics.bindings.BATCH_BINDINGS", 3)
    world = World()
    sizes = []
    while arrived := world.intake.poll(0):
        sizes.append(len(arrived))
        for one in arrived:
            world.intake.done(one)
    assert sum(sizes) == 7 and max(sizes) <= 4


def test_knows_about_how_many_bindings_wait_read_or_not() -> None:
    world = World()
    assert world.intake.n_waiting == 0, "it has read nothing yet"
    for _ in range(5):
        world.intake.keep_alive()
    assert world.intake.n_waiting == 7
    for one in world.intake.poll(0)[:2]:
        world.intake.done(one)
    assert world.intake.n_waiting == 5


def test_a_binding_is_read_when_it_is_asked_for() -> None:
    world = World()
    torn = b'[{"sample_id":"b@1","round":2,"outcome":"bound"}, {"sample_id":"b@2","round":-1,"model_version":0}]'
    world.broker.write("pairs", 1, torn)
    found = {}
    for _ in range(5):
        for one in world.intake.poll(0):
            found[one.sample_id] = one
            world.intake.done(one)
    assert found["a@1"].binding() == binding(1)
    assert found["b@1"].round == 2 and "b@2" not in found and world.intake.n_unreadable == 1
    with pytest.raises(InvalidRecord, match="model_version"):
        found["b@1"].binding()
