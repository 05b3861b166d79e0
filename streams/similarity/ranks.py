"""Which place each of many has among those of its group. Pure."""

import numpy as np
from jaxtyping import Int


def places_in_groups(
    groups: Int[np.ndarray, " n"],
) -> tuple[Int[np.ndarray, " m"], Int[np.ndarray, " n"], Int[np.ndarray, " n"]]:
    """The different groups, the place `[n]` of each one's group among them, and its own place `[n]` in its group.

    Args:
        groups: `[n]`, ascending.

    Example:
        >>> import numpy as np
        >>> from streams.similarity.ranks import places_in_groups
        >>> [found.tolist() for found in places_in_groups(np.array([3, 3, 5, 7, 7, 7]))]
        [[3, 5, 7], [0, 0, 1, 2, 2, 2], [0, 1, 0, 0, 1, 2]]
    """
    different, first, counts = np.unique(groups, return_index=True, return_counts=True)
    return different, np.repeat(np.arange(len(different)), counts), np.arange(len(groups)) - np.repeat(first, counts)
