"""Dot products whose bits depend on nothing but the two vectors. Pure."""

import numpy as np
from jaxtyping import Float, Float32, Shaped

# One full register block of the usual BLAS kernels, in which all rows go through the same instructions. Measured: with
# 32 or 64 the last rows take another path and get other last bits, as they do if they are the product's other side.
PRODUCT_ROWS = 16
# Of anything else a row's last bits may depend on how many rows are worked on at once: always this many, padded with
# zeros. Chosen by hand.
ROWS_AT_ONCE = 64


def products(matrices: Float[np.ndarray, "m n d"], rows: Float[np.ndarray, "r d"]) -> Float32[np.ndarray, "b m n 16"]:
    """`[b, m, n, 16]`: the products of the rows of `matrices` `[m, n, D]` with those of `rows` `[16 b, D]`.

    Where a row stands in its block of sixteen, and what the others are, does not change a bit of its products. What
    stands in a row of a matrix does not change those of another.

    Example:
        >>> import numpy as np
        >>> from streams.similarity.exact_products import padded, products
        >>> rows = np.array([[1, 1], [1, -1], [0, 1]], np.float32)
        >>> found = products(np.array([[[1, 2], [3, 4]]], np.float32), padded(rows))
        >>> found.shape
        (1, 1, 2, 16)
        >>> found[0, 0, :, :3].tolist()
        [[3.0, -1.0, 2.0], [7.0, -1.0, 4.0]]
    """
    assert len(rows) % PRODUCT_ROWS == 0, "padded by the caller"
    blocks = rows.reshape(-1, PRODUCT_ROWS, rows.shape[1])
    result = np.empty((len(blocks), *matrices.shape[:2], PRODUCT_ROWS), np.float32)
    # In this order of the loops all blocks meet a matrix while it is in the cache.
    np.matmul(matrices[:, None], blocks.transpose(0, 2, 1)[None], out=result.transpose(1, 0, 2, 3))
    return result


def padded(values: Shaped[np.ndarray, "n ..."], multiple: int = PRODUCT_ROWS) -> Shaped[np.ndarray, "full ..."]:
    """Values `[n, ...]` with zeros after them, up to a multiple of so many rows."""
    full = np.zeros((-(-len(values) // multiple) * multiple, *values.shape[1:]), values.dtype)
    full[: len(values)] = values
    return full
