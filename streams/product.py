"""Dot products whose bits depend on nothing but the two vectors. Pure."""

import numpy as np

# One full register block of the usual BLAS kernels, in which all rows go through the same instructions. Measured: with
# 32 or 64 the last rows take another path and get other last bits, as they do if they are the product's other side.
PRODUCT_ROWS = 16


def products(matrices: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """`[m, n, 16]`: the products of the rows of `matrices` `[m, n, D]` with those of `rows` `[16, D]`.

    Where a row stands among the sixteen, and what the others are, does not change a bit of its products. What stands
    in a row of a matrix does not change those of another.
    """
    assert len(rows) == PRODUCT_ROWS, "padded by the caller"
    result: np.ndarray = np.matmul(matrices, rows.T[None])
    return result


def padded(values: np.ndarray, n_rows: int, filler: int = 0) -> np.ndarray:
    """Values `[n, ...]` with rows of `filler` after them, `n_rows` in all."""
    full = np.full((n_rows, *values.shape[1:]), filler, values.dtype)
    full[: len(values)] = values
    return full
