"""Offsets are handed out in order, and never before all their records are resolved."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.intake.acknowledgement import Acknowledgement
from streams.messages.message import Place


def at(offset: int, partition: int = 0) -> Place:
    return Place("t", partition, offset)


def test_an_offset_waits_for_all_its_records() -> None:
    books = Acknowledgement()
    books.begin(at(5), 3)
    assert books.resolve([at(5), at(5)]) == {}
    assert books.resolve([at(5)]) == {("t", 0): [5]}


def test_a_smaller_offset_that_waits_holds_back_the_larger_ones() -> None:
    books = Acknowledgement()
    for offset in (3, 4, 7):
        books.begin(at(offset), 1)
    assert books.resolve([at(4), at(7)]) == {}
    assert books.n_waiting == 3
    assert books.resolve([at(3)]) == {("t", 0): [3, 4, 7]}
    assert books.n_waiting == 0


def test_partitions_do_not_wait_for_each_other() -> None:
    books = Acknowledgement()
    books.begin(at(3, 0), 1)
    books.begin(at(9, 1), 1)
    assert books.resolve([at(9, 1)]) == {("t", 1): [9]}


def test_a_message_is_new_then_waiting_then_done() -> None:
    books = Acknowledgement()
    seen = [books.standing(at(3))]
    books.begin(at(3), 1)
    seen.append(books.standing(at(3)))
    books.resolve([at(3)])
    seen.append(books.standing(at(3)))
    assert seen == ["new", "waiting", "done"]
    assert [books.standing(at(2)), books.standing(at(4)), books.standing(at(3, 1))] == ["new", "new", "new"]


def test_a_message_that_was_done_can_come_and_go_again() -> None:
    books = Acknowledgement()
    for _ in range(2):
        books.begin(at(3), 1)
        assert books.resolve([at(3)]) == {("t", 0): [3]}


def test_records_of_an_earlier_life_are_passed_over() -> None:
    books = Acknowledgement()
    books.begin(at(3), 1)
    assert books.resolve([at(2), at(3, 1)]) == {}
    books.resolve([at(3)])
    assert books.resolve([at(3)]) == {}


def test_nonsense_is_refused() -> None:
    books = Acknowledgement()
    with pytest.raises(ValueError, match="at least 1"):
        books.begin(at(3), 0)
    books.begin(at(3), 1)
    with pytest.raises(ValueError, match="already waiting"):
        books.begin(at(3), 1)


@given(st.data())
def test_any_order_of_resolving_hands_out_each_offset_once_in_order_and_not_too_early(data: st.DataObject) -> None:
    sizes = data.draw(st.dictionaries(st.tuples(st.integers(0, 2), st.integers(0, 30)), st.integers(1, 4), max_size=25))
    records = data.draw(st.permutations([place for place, n in sizes.items() for _ in range(n)]))
    books = Acknowledgement()
    for (partition, offset), n in sorted(sizes.items()):
        books.begin(at(offset, partition), n)
    left = dict(sizes)
    handed: dict[int, list[int]] = {}
    for partition, offset in records:
        left[partition, offset] -= 1
        for (_, freed), offsets in books.resolve([at(offset, partition)]).items():
            handed.setdefault(freed, []).extend(offsets)
            assert not any(left[one] for one in left if one[0] == freed and one[1] <= offsets[-1])
    assert handed == {p: sorted(o for q, o in sizes if q == p) for p in {p for p, _ in sizes}}
