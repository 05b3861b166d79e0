"""What later rounds know of the history: candidates, windows that are held, and what is forgotten."""

import numpy as np
import pytest

from streams.review.remembered import BLOCK, Remembered
from tests.support.remembered import arrived, remembered, sample


def candidates(one: Remembered, number: int) -> list[int]:
    one.connect()
    found: list[int] = one.candidates(np.array([number]))[0].tolist()
    return found


def test_candidates_that_bring_a_modality_come_before_all_others() -> None:
    one = remembered()
    for number, other in enumerate("xyxy"):
        one.append(sample(number, other), arrived(number))
    one.append(sample(4, "x"), arrived(4, [0, 1, 2, 3], [9.0, 1.0, 8.0, 2.0]))
    assert candidates(one, 4) == [3, 1, 0, 2]


def test_candidates_are_numbers_whichever_rows_of_the_index_they_have() -> None:
    """Not all samples that are remembered have a row: what binds by another modality has none."""
    one = remembered()
    for number in range(3):
        one.append(sample(number, "x"), None)
    one.append(sample(3, "x"), arrived(0))
    one.append(sample(4, "y"), arrived(1, [0, 77], [1.0, 2.0]))
    assert candidates(one, 4) == [3, -1, -1, -1]
    assert candidates(one, 3)[0] == 4
    assert candidates(one, 0) == [-1] * 4


@pytest.mark.parametrize(("other", "brings_new"), [("x", False), ("y", True)])
def test_it_is_known_whether_a_first_partner_brings_a_modality(other: str, brings_new: bool) -> None:
    one = remembered()
    one.append(sample(0, "x"), arrived(0))
    one.append(sample(1, other), arrived(1, [0], [1.0]))
    assert [row.brings_new for row in one.rows] == [False, brings_new]


def test_windows_are_let_go_of_in_blocks_once_they_were_looked_at_but_for_the_last() -> None:
    one = remembered(held_windows=30)
    for number in range(2 * BLOCK + 29):
        one.append(sample(number), arrived(number))
    looked_at = [[row.sample_id for row in table.rows if row.windows] for table in one.let_go()]
    assert looked_at == [[f"s-{number}" for number in range(BLOCK)]]
    assert [row.windows is None for row in one.rows] == [number < BLOCK for number in range(2 * BLOCK + 29)]
    one.append(sample(2 * BLOCK + 29), arrived(2 * BLOCK + 29))
    assert [len(table) for table in one.let_go()] == [BLOCK]
    assert sum(row.windows is not None for row in one.rows) == 30


def test_windows_of_a_table_are_held_though_fewer_are_asked_for() -> None:
    one = remembered(review_samples=100, held_windows=0)
    for number in range(100 + BLOCK):
        one.append(sample(number), arrived(number))
    list(one.let_go())
    assert sum(row.windows is not None for row in one.rows) == 100


def test_the_oldest_are_forgotten_when_there_are_too_many() -> None:
    one = remembered(history=100)
    for number in range(120):
        one.append(sample(number, "x"), arrived(number))
    one.append(sample(120, "y"), arrived(120, [5, 50], [2.0, 1.0]))
    one.forget_old()
    assert (one.first, one.end, len(one.rows)) == (21, 121, 100)
    assert one.numbers.tolist() == list(range(21, 121))
    assert candidates(one, 120) == [50, -1, -1, -1]
    assert one.table(np.array([21, 120])).ids == ["s-21", "s-120"]


def test_what_is_too_old_is_forgotten_however_few_there_are() -> None:
    one = remembered()
    for number, hours in enumerate([0, 1, 25, 26]):
        one.append(sample(number, hours=hours), arrived(number))
    one.forget_old()
    assert one.table(one.numbers).ids == ["s-2", "s-3"]


def test_none_takes_anothers_place_however_small_a_table_is() -> None:
    """Between two rounds up to 127 may come: a round after a swap does not begin at a counted row."""
    one = remembered(review_samples=1, history=100)
    one.append(sample(0, "x"), arrived(0))
    for number in range(1, 227):
        one.append(sample(number, "y"), arrived(number, [0], [1.0]))
    one.connect()
    assert one.codes(np.array([0])).tolist() != one.codes(np.array([1])).tolist()
    assert one.graph.gains(one.numbers)[1:].tolist() == [0] * 226
