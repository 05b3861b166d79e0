"""Samples that could wait no longer, read again."""

import threading
from collections.abc import Iterator, Mapping

import numpy as np
import pytest

from streams.broker.log import LogError
from streams.messages.codec import encode_batch
from streams.messages.message import Message
from streams.records import Sample
from tests.support.memory_kafka import MemoryBroker, MemoryConsumer, reading_again
from trainer.topics.places import Place, PlaceBook, spans
from trainer.topics.samples import SampleLog

GO_ON = threading.Event()
N_SAMPLES, CAPACITY = 1000, 10
IDS = [f"a@{number}" for number in range(N_SAMPLES)]


def filled() -> MemoryBroker:
    """Two samples a message, messages in turn to two partitions."""
    broker = MemoryBroker()
    for number in range(0, N_SAMPLES, 2):
        windows = {"gyroscope": np.zeros((2, 1), np.float32)}
        pair = [
            Sample(sample_id=IDS[one], source_id="a", start_ns=one, windows=windows, scaling={})
            for one in (number, number + 1)
        ]
        broker.write("samples", number // 2 % 2, encode_batch(pair))
    return broker


def log_of(broker: MemoryBroker, starts: Mapping[int, int] | None = None) -> SampleLog:
    return SampleLog(MemoryConsumer(broker), reading_again(broker, "samples"), "samples", 2, starts, CAPACITY)


def found_of(samples: SampleLog, ids: list[str], n_at_once: int = 7) -> list[str]:
    found: list[str] = []
    for first in range(0, len(ids), n_at_once):
        found += samples.find(ids[first : first + n_at_once], GO_ON)
    return found


# By their places, then with so few places that the log must be searched from its beginning.
@pytest.mark.parametrize("n_places", [100, 1, 20])
def test_none_is_lost_however_few_may_wait_and_in_whatever_order_they_are_asked_for(
    monkeypatch: pytest.MonkeyPatch, n_places: int
) -> None:
    monkeypatch.setattr("trainer.topics.samples.PLACES_A_WAITING_SAMPLE", n_places)
    samples = log_of(filled())
    assert sorted(found_of(samples, IDS[::-1])) == sorted(IDS)
    assert samples.n_lost == 0
    assert samples.n_again > N_SAMPLES / 2
    assert (samples.n_waiting <= CAPACITY, samples.n_booked <= CAPACITY * n_places) == (True, True)


def test_what_was_let_go_of_before_a_restart_is_found_after_it() -> None:
    broker = filled()
    before = log_of(broker)
    before.find(IDS[900:], GO_ON)
    again = log_of(broker, before.starts_for(()))
    assert sorted(found_of(again, IDS[:900])) == sorted(IDS[:900])
    assert again.n_lost == 0


def test_what_is_nowhere_is_lost_once_and_the_log_is_not_read_through_for_it_each_time() -> None:
    broker = filled()
    n_read = 0

    def counted(starts: Mapping[int, int], ends: Mapping[int, int]) -> Iterator[Message]:
        nonlocal n_read
        for message in reading_again(broker, "samples")(starts, ends):
            n_read += 1
            yield message

    samples = SampleLog(MemoryConsumer(broker), counted, "samples", 2, {0: 100, 1: 100}, 100)
    assert [samples.find([f"b@{number}"], GO_ON) for number in range(5)] == [{}] * 5
    assert samples.n_lost == 5
    assert n_read == 200
    assert list(samples.find(["a@0"], GO_ON)) == ["a@0"]


def test_a_broker_that_is_away_does_not_make_a_sample_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.topics.samples.RETRY_S", 0.0)
    broker, n_refused = filled(), 0

    def refused(starts: Mapping[int, int], ends: Mapping[int, int]) -> Iterator[Message]:
        nonlocal n_refused
        n_refused += 1
        if n_refused < 3:
            raise LogError("nothing came")
        yield from reading_again(broker, "samples")(starts, ends)

    samples = SampleLog(MemoryConsumer(broker), refused, "samples", 2, None, CAPACITY)
    samples.find(IDS[-1:], GO_ON)
    assert list(samples.find(IDS[:1], GO_ON)) == IDS[:1]
    assert (n_refused, samples.n_lost) == (3, 0)


def test_one_that_is_gone_from_its_place_is_lost() -> None:
    broker = filled()
    samples = log_of(broker)
    samples.find(IDS[-1:], GO_ON)
    for written in broker.logs.values():
        del written[:10]
    assert samples.find(IDS[:1], GO_ON) == {}
    assert samples.n_lost == 1


def test_tells_that_it_goes_on_while_it_searches() -> None:
    n_told = 0

    def told() -> None:
        nonlocal n_told
        n_told += 1

    samples = log_of(filled())
    samples.find(IDS[-1:], GO_ON, told)
    assert n_told > 100
    n_told = 0
    samples.find(IDS[:1], GO_ON, told)
    assert n_told > 0


def test_places_of_what_nobody_holds_any_more_do_not_pile_up() -> None:
    samples = log_of(filled())
    for one in IDS:
        samples.find([one], GO_ON)
        samples.tidy(lambda: IDS[:3])
        assert samples.n_places <= 2 * (3 + CAPACITY) + CAPACITY + 1
    assert samples.starts_for(IDS[:3]) == {0: 0, 1: 0}


def test_the_book_says_from_where_on_it_knows_all_places() -> None:
    book = PlaceBook(2, {1: 5})
    for number in range(4):
        book[f"a@{number}"] = Place(0, 10 * number)
    assert (list(book), book.known_from, book.has_room) == (["a@2", "a@3"], {0: 11, 1: 5}, False)


def test_places_that_are_near_are_read_in_one_go() -> None:
    places = [Place(1, 7), Place(0, 500), Place(0, 10), Place(0, 12), Place(0, 12)]
    assert list(spans(places)) == [(0, 10, 13), (0, 500, 501), (1, 7, 8)]
    assert list(spans([])) == []
