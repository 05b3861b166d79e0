"""Sizes of blocks in which rows are worked on together, such that a row's bits do not depend on the others. Pure."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Shaped

# Where fewer came than a full block holds: whichever of these sizes turns out to be as good. Chosen by hand.
SMALL_SIZES = (4, 8, 16, 32)


def safe_sizes(
    work: Callable[[Shaped[np.ndarray, "n ..."]], Shaped[np.ndarray, "n ..."]], rows: Shaped[np.ndarray, "full ..."]
) -> tuple[int, ...]:
    """Sizes of blocks, ascending, in which `work` gives each row the same bits as in one block of all `rows`.

    That is the processor's and the libraries' affair, so it is tried. The number of all rows is always one of them.
    """
    full = work(rows)
    sizes = [size for size in SMALL_SIZES if size < len(rows) and _is_alike(work, rows, full, size)]
    return (*sizes, len(rows))


def _is_alike(work: Callable[[np.ndarray], np.ndarray], rows: np.ndarray, full: np.ndarray, size: int) -> bool:
    cut = len(rows) // size * size
    parts = [work(np.ascontiguousarray(rows[start : start + size])) for start in range(0, cut, size)]
    return np.array_equal(np.concatenate(parts), full[:cut])
