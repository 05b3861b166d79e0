import threading

import numpy as np
from kafka import TopicPartition

from streams.messages.codec import encode_batch
from streams.messages.rejects import InvalidRecord
from streams.records import Sample
from tests.support.memory_kafka import MemoryBroker, MemoryConsumer, MemoryMessage, reading_again
from trainer.topics.samples import SampleLog

GO_ON = threading.Event()


def sample(number: int) -> Sample:
    windows = {"gyroscope": np.full((2, 1), number, np.float32)}
    return Sample(sample_id=f"a@{number}", source_id="a", start_ns=number, windows=windows, scaling={})


def filled(n_samples: int) -> MemoryBroker:
    """Two samples a message, messages in turn to two partitions."""
    broker = MemoryBroker()
    for first in range(0, n_samples, 2):
        broker.write("samples", first // 2 % 2, encode_batch([sample(first), sample(first + 1)]))
    return broker


def log_of(broker: MemoryBroker, **settings: object) -> tuple[SampleLog, MemoryConsumer]:
    consumer = MemoryConsumer(broker)
    return SampleLog(consumer, reading_again(broker, "samples"), "samples", 2, **settings), consumer  # type: ignore[arg-type]


def test_reads_only_as_far_as_it_is_asked() -> None:
    found_in, consumer = log_of(filled(40))
    found = found_in.find(["a@3", "a@1"], GO_ON)
    assert sorted(found) == ["a@1", "a@3"]
    np.testing.assert_array_equal(found["a@3"].windows["gyroscope"], sample(3).windows["gyroscope"])
    assert consumer.n_messages == 2
    assert found_in.n_waiting == 2


def test_a_sample_that_waits_is_given_without_reading() -> None:
    found_in, consumer = log_of(filled(8))
    found_in.find(["a@1"], GO_ON)
    n_messages = consumer.n_messages
    assert list(found_in.find(["a@0"], GO_ON)) == ["a@0"]
    assert consumer.n_messages == n_messages
    assert found_in.find(["a@0"], GO_ON) == {}


def test_what_is_not_there_at_the_end_of_the_log_is_left_out() -> None:
    found_in, _ = log_of(filled(8))
    assert list(found_in.find(["a@7", "a@99"], GO_ON)) == ["a@7"]


class BusyConsumer(MemoryConsumer):
    """On a topic into which somebody writes without end."""

    def poll(self, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[MemoryMessage]]:
        self._broker.write("samples", 0, encode_batch([sample(1000 + self.n_messages)]))
        return super().poll(timeout_ms, max_records)


def test_the_search_for_what_is_nowhere_ends_however_busy_the_topic_and_is_counted() -> None:
    found_in = SampleLog(consumer := BusyConsumer(broker := filled(8)), reading_again(broker, "samples"), "samples", 2)
    assert list(found_in.find(["a@7", "a@99"], GO_ON)) == ["a@7"]
    assert found_in.n_lost == 1
    assert consumer.n_messages < 20


def test_a_sample_that_cannot_be_trained_on_is_passed_over_and_counted() -> None:
    def check(one: Sample) -> Sample:
        if one.start_ns == 1:
            raise InvalidRecord("time", "start_ns", 1, "another")
        return one

    found_in, _ = log_of(filled(4), check=check)
    assert list(found_in.find(["a@0", "a@1", "a@2"], GO_ON)) == ["a@0", "a@2"]
    assert (found_in.n_unreadable, found_in.n_lost) == (1, 1)


def test_a_broker_that_is_away_does_not_make_a_sample_lost() -> None:
    broker = filled(8)
    found_in, consumer = log_of(broker)
    found_in.find(["a@7"], GO_ON)
    broker.is_away = True

    def comes_back() -> None:
        broker.is_away = False
        broker.write("samples", 0, encode_batch([sample(99)]))

    consumer.on_refused = comes_back
    assert list(found_in.find(["a@99"], GO_ON)) == ["a@99"]


def test_stops_when_it_is_told_to() -> None:
    stop = threading.Event()
    stop.set()
    assert log_of(filled(8))[0].find(["a@7"], stop) == {}


def test_holds_no_more_than_it_may_and_forgets_the_oldest() -> None:
    found_in, _ = log_of(filled(40), capacity=4)
    found_in.find(["a@39"], GO_ON)
    assert found_in.n_waiting == 4
    assert list(found_in.find(["a@0"], GO_ON)) == ["a@0"]


def test_finds_old_samples_again_however_many_others_lie_between() -> None:
    found_in, _ = log_of(filled(40), capacity=2)
    wanted = [f"a@{number}" for number in range(0, 40, 3)]
    assert sorted(found_in.find(wanted, GO_ON)) == sorted(wanted)


def test_a_later_start_from_the_needed_offsets_finds_the_same_samples() -> None:
    broker = filled(40)
    found_in, _ = log_of(broker)
    found_in.find([f"a@{number}" for number in range(20)], GO_ON)
    held = ["a@9", "a@14"]
    starts = found_in.starts_for(held)
    assert starts == {0: 2, 1: 3}
    again, consumer = log_of(broker, starts=starts)
    assert sorted(again.find(held, GO_ON)) == sorted(held)
    assert consumer.n_messages <= 4
    # Whatever was waiting or not read yet comes, too.
    assert len(again.find([f"a@{number}" for number in range(20, 40)], GO_ON)) == 20


def test_a_sample_that_was_written_twice_is_taken_once() -> None:
    broker = filled(4)
    broker.write("samples", 0, encode_batch([sample(0)]))
    broker.write("samples", 0, encode_batch([sample(50)]))
    found_in, _ = log_of(broker)
    found_in.find(["a@0"], GO_ON)
    found_in.find(["a@50"], GO_ON)
    assert found_in.find(["a@0"], GO_ON) == {}


def test_passes_over_what_is_no_sample_and_counts_it() -> None:
    broker = filled(4)
    broker.write("samples", 0, b"\xc1")
    broker.write("samples", 0, encode_batch([sample(50)]))
    found_in, _ = log_of(broker)
    assert list(found_in.find(["a@50"], GO_ON)) == ["a@50"]
    assert found_in.n_unreadable == 1
