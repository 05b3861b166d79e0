from trainer.topics.even import EvenReading


def filled() -> EvenReading[str]:
    """Partition 0 was delivered up to its tenth message, of partition 1 nothing was yet."""
    reading: EvenReading[str] = EvenReading(range(2))
    reading.begin({0: 0, 1: 0})
    for offset in range(10):
        reading.add(0, offset, 10 * offset, [f"0@{10 * offset}"])
    return reading


def test_waits_for_a_partition_that_has_more() -> None:
    reading = filled()
    assert reading.take({0: 10, 1: 3}, at_once=False, limit=99) == []
    assert reading.take({0: 10, 1: None}, at_once=False, limit=99) == []
    assert reading.n_records == 10


def test_gives_messages_of_all_partitions_in_the_order_of_sending() -> None:
    reading = filled()
    reading.add(1, 0, 15, ["1@15", "1@15b"])
    reading.add(1, 1, 35, ["1@35"])
    taken = reading.take({0: 10, 1: 4}, at_once=False, limit=99)
    assert taken == ["0@0", "0@10", "1@15", "1@15b", "0@20", "0@30", "1@35"]
    assert reading.n_records == 6


def test_does_not_wait_for_a_partition_that_is_at_its_end() -> None:
    assert len(filled().take({0: 99, 1: 0}, at_once=False, limit=99)) == 10


def test_gives_all_where_it_must_not_wait() -> None:
    reading = filled()
    assert len(reading.take({0: 10, 1: 3}, at_once=True, limit=99)) == 10
    assert reading.n_records == 0


def test_begins_anew_without_what_was_held() -> None:
    reading = filled()
    reading.begin({0: 2, 1: 3})
    assert reading.take({0: 10, 1: 3}, at_once=True, limit=99) == []


def test_an_empty_message_takes_room_too() -> None:
    reading = filled()
    reading.add(1, 0, 5, [])
    assert reading.n_records == 11
    reading.take({0: 10, 1: 1}, at_once=False, limit=99)
    assert reading.n_records == 0


def test_begins_no_message_once_enough_is_taken() -> None:
    reading = filled()
    reading.add(1, 0, 15, ["1@15", "1@15b"])
    assert reading.take({0: 10, 1: 1}, at_once=False, limit=3) == ["0@0", "0@10", "1@15", "1@15b"]
    assert reading.n_records == 8
    assert len(reading.take({0: 10, 1: 1}, at_once=False, limit=99)) == 8
