"""What arrival found, seen from both ends, and how much of it could change an answer."""

import numpy as np
import pytest

from streams.review.candidate_graph import FILLS_UP, RANK, CandidateGraph


def found(graph: CandidateGraph, number: int, scores: dict[int, float]) -> None:
    """The next sample, and what arrival found for it: numbers and scores."""
    graph.add(number, np.array([*scores], np.int64), np.array([*scores.values()], np.float32))


def candidates(graph: CandidateGraph, number: int) -> list[int]:
    return [one for one in graph.candidates(np.array([number]))[0].tolist() if one >= 0]


def gain(graph: CandidateGraph, number: int) -> float:
    return float(graph.gains(np.array([number]))[0])


def full(best: float, n: int = RANK) -> CandidateGraph:
    """Of number 0, which younger ones have found: it has `n` candidates, each 1 better, and its answer."""
    graph = CandidateGraph(100, RANK + 4)
    found(graph, 0, {})
    for place in range(n):
        found(graph, place + 1, {0: best + place})
    graph.connect()
    graph.settle(np.arange(n + 1))
    return graph


def test_who_found_whom_is_a_candidate_at_both_ends_the_best_first() -> None:
    graph = CandidateGraph(10, 4)
    for number, scores in enumerate([{}, {0: 1.0}, {0: 2.0, 1: 3.0}]):
        found(graph, number, scores)
    assert candidates(graph, 2) == [], "none is seen before they are connected"
    graph.connect()
    assert [candidates(graph, number) for number in range(3)] == [[2, 1], [2, 0], [1, 0]]


@pytest.mark.parametrize("is_at_once", [True, False])
def test_only_the_best_are_kept_whenever_they_came(is_at_once: bool) -> None:
    graph = CandidateGraph(10, 2)
    for number, scores in enumerate([{}, {0: 2.0}, {0: 1.0}, {0: 3.0}]):
        found(graph, number, scores)
        if not is_at_once:
            graph.connect()
    graph.connect()
    assert candidates(graph, 0) == [3, 1]


def test_who_is_not_known_is_nobodys_candidate() -> None:
    graph = CandidateGraph(3, 4)
    found(graph, 0, {})
    found(graph, 1, {-1: 5.0, 0: 1.0})
    graph.connect()
    assert candidates(graph, 1) == [0]
    assert [candidates(graph, number) for number in (0, 2)] == [[1], []]


def test_gains_are_what_younger_ones_outdo_the_last_of_the_best_by() -> None:
    graph = full(best=2.0)
    found(graph, RANK + 1, {0: 2.5})
    found(graph, RANK + 2, {0: 3.0})
    found(graph, RANK + 3, {0: 1.0})
    graph.connect()
    assert gain(graph, 0) == pytest.approx(0.5 + 1.0)
    assert gain(graph, RANK + 2) == 0, "what it found itself is no news to it"


def test_who_has_few_candidates_gains_a_little_by_any() -> None:
    graph = full(best=2.0, n=RANK - 1)
    found(graph, RANK, {0: -1.0})
    graph.connect()
    assert gain(graph, 0) == pytest.approx(FILLS_UP)


def test_who_has_an_answer_gains_by_what_comes_later_alone() -> None:
    graph = full(best=2.0)
    for number in (RANK + 1, RANK + 2):
        found(graph, number, {0: 4.0})
        graph.connect()
        assert gain(graph, 0) > 0
        graph.settle(np.array([0]))
        assert gain(graph, 0) == 0


def test_all_may_be_said_to_have_other_answers_and_those_to_whom_something_came_before_the_rest() -> None:
    graph = full(best=2.0)
    found(graph, RANK + 1, {0: 2.5})
    graph.connect()
    graph.raise_all(np.arange(3), 0.25)
    assert [gain(graph, number) for number in range(4)] == pytest.approx([0.75, 0.25, 0.25, 0.0])


def test_a_place_is_its_next_samples_alone() -> None:
    graph = CandidateGraph(3, 2)
    found(graph, 0, {})
    found(graph, 1, {0: 1.0})
    graph.connect()
    found(graph, 3, {})
    assert candidates(graph, 3) == []
    assert gain(graph, 3) == 0
