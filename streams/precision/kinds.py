"""What is said of many kinds of pairs at once, however many there are. Pure."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float, Int

# Halvings of an interval of 20: to a millionth.
SHIFTS = 24


def shifts(
    right: Callable[[Float[np.ndarray, " n"]], Float[np.ndarray, " n"]],
    units: Float[np.ndarray, " n"],
    group: Int[np.ndarray, " n"],
    wanted: Sequence[float] | Float[np.ndarray, " groups"],
) -> Float[np.ndarray, " groups"]:
    """How far the units of each group must be moved, at most 10, for their mean to be what is wanted.

    Args:
        right: Grows with the units.
        units: Of pairs.
        group: Of each pair; none is empty.
        wanted: Mean of `right` over each group.
    """
    low, high = np.full(len(wanted), -10.0), np.full(len(wanted), 10.0)
    n = np.bincount(group, minlength=len(wanted))
    for _ in range(SHIFTS):
        middle = (low + high) / 2
        is_short = np.bincount(group, right(units + middle[group]), len(wanted)) / n < wanted
        low, high = np.where(is_short, middle, low), np.where(is_short, high, middle)
    found: np.ndarray = (low + high) / 2
    return found


def places_of(pairs: Int[np.ndarray, "n 2"], known: Sequence[tuple[int, int]]) -> Int[np.ndarray, " n"]:
    """Where in `known`, of which there are some, each of pairs of codes stands; -1: nowhere."""
    width = 1 + max(int(pairs.max(initial=0)), *(code for pair in known for code in pair))
    keys = np.array([first * width + second for first, second in known])
    order = np.argsort(keys)
    asked = pairs[:, 0] * width + pairs[:, 1]
    places = order[np.minimum(np.searchsorted(keys, asked, sorter=order), len(keys) - 1)]
    return np.where(keys[places] == asked, places, -1)
