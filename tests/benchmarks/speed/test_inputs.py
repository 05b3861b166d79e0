"""What is put into the topics."""

from benchmarks.speed.inputs import messages
from streams.messages.codec import decode_many
from streams.records import SensorWindow


def test_every_window_is_sent_once_with_those_of_its_own_source(windows: list[SensorWindow]) -> None:
    sent = list(messages(windows, batch=10))
    found = [(source, decode_many(value, SensorWindow)) for source, value in sent]
    assert all({one.source_id for one in batch} == {source} for source, batch in found)
    assert sorted(len(batch) for _, batch in found) == [8, 8, 8] + [10] * 12
    assert sorted(one.identity for _, batch in found for one in batch) == sorted(one.identity for one in windows)


def test_one_window_a_message_keeps_the_order(windows: list[SensorWindow]) -> None:
    sent = [decode_many(value, SensorWindow) for _, value in messages(windows, batch=1)]
    assert [one.identity for (one,) in sent] == [one.identity for one in windows]
