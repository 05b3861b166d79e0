import numpy as np

from streams.history.modality_sets import ModalitySets, usable_pairs

SHARED = "acceleration"


def usable(sets: list[set[str]], sources: list[int], *also_shared: str) -> list[list[int]]:
    """For each sample the places of those that it may be bound to."""
    kinds = ModalitySets([SHARED, *also_shared])
    found = usable_pairs(kinds, np.array([kinds.code(one) for one in sets]), np.array(sources))
    return [np.flatnonzero(row).tolist() for row in found]


def test_pairs_are_of_other_sources_and_bring_a_new_modality() -> None:
    sets = [{SHARED, "x"}, {SHARED, "x"}, {SHARED, "y"}, {SHARED, "y"}]
    assert usable(sets, [0, 1, 2, 0]) == [[2], [2, 3], [0, 1], [1]]


def test_who_finds_no_new_modality_may_be_bound_to_any_other_source() -> None:
    sets = [{SHARED, "x"}, {SHARED, "x"}, {SHARED}, {SHARED, "x"}]
    assert usable(sets, [0, 1, 2, 0]) == [[1, 2], [0, 2, 3], [0, 1, 3], [1, 2]]


def test_what_binds_must_be_there_and_is_nothing_new() -> None:
    sets = [{SHARED, "x"}, {"x", "y"}, {"x", "z"}]
    assert usable(sets, [0, 1, 2]) == [[], [], []]
    assert usable(sets, [0, 1, 2], "x") == [[1, 2], [0, 2], [0, 1]]
