"""The order in which samples are read back is the one in which they were bound."""

from streams.messages.message import Message
from streams.records import Sample
from streams.testing import SyntheticWorld
from streams.worker.read_back import Placed, in_order

SAMPLES = list(SyntheticWorld(2).samples(4))


def placed(*places: tuple[int, int, int]) -> list[Placed]:
    """Partition, offset and time of each."""
    return [
        (Message("samples", partition, offset, None, None, (), sent_ms), SAMPLES[number])
        for number, (partition, offset, sent_ms) in enumerate(places)
    ]


def ids(samples: list[Sample]) -> list[int]:
    return [SAMPLES.index(one) for one in samples]


def test_a_partition_keeps_its_order_whatever_the_clocks_of_those_who_wrote_to_it() -> None:
    assert ids(in_order(placed((0, 2, 1000), (0, 0, 1005), (0, 1, 1001), (0, 3, 1006)))) == [1, 2, 0, 3]


def test_partitions_are_mixed_by_time() -> None:
    assert ids(in_order(placed((0, 0, 1000), (0, 1, 1010), (1, 0, 1005), (1, 1, 1002), (1, 2, 1012)))) == [
        0,
        2,
        3,
        1,
        4,
    ]


def test_samples_of_one_message_keep_their_order() -> None:
    assert ids(in_order(placed((0, 1, 1000), (0, 0, 1000), (0, 0, 1000)))) == [1, 2, 0]
