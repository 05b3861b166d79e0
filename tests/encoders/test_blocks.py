"""Small blocks are used only where they give the bits of full ones."""

import numpy as np

from encoders.blocks import SMALL_SIZES, safe_sizes

ROWS = np.arange(64, dtype=np.float32)[:, None]


def test_what_looks_at_a_row_alone_may_come_in_blocks_of_all_sizes() -> None:
    assert safe_sizes(lambda rows: rows * 2, ROWS) == (*SMALL_SIZES, 64)


def test_a_size_that_changes_a_bit_is_left_out() -> None:
    def work(rows: np.ndarray) -> np.ndarray:
        return rows + np.float32(1e-3) * (len(rows) < 16)

    assert safe_sizes(work, ROWS) == (16, 32, 64)


def test_one_wrong_row_in_the_last_block_is_enough() -> None:
    def work(rows: np.ndarray) -> np.ndarray:
        found = rows.copy()
        if len(rows) == 8 and rows[0, 0] == 56:
            found[-1] += 1
        return found

    assert safe_sizes(work, ROWS) == (4, 16, 32, 64)
