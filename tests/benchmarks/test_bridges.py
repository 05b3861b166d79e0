"""The bridges benchmark measures what it says, on versions whose bridge is known."""

import numpy as np
import pytest

from benchmarks.bridges import FIGURES, Embedded, _one


def test_what_is_turned_is_lost_as_it_is_and_found_again_carried_over() -> None:
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 4, 300)
    rows = rng.normal(size=(4, 8))[labels] + rng.normal(0, 0.3, (300, 8))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    turns = [np.linalg.qr(rng.normal(size=(8, 8)))[0].astype(np.float32) for _ in range(2)]
    chain = [Embedded(each, each, np.arange(300)) for each in (rows, rows @ turns[0], rows @ turns[0] @ turns[1])]
    stored, fitting, asking = np.split(np.arange(300), [200, 250])
    found = dict(zip(FIGURES, _one(chain, stored, fitting, asking, labels.astype(str)), strict=True))
    assert found["same_ten_mapped"] > 0.98 and found["same_ten_as_is"] < 0.5
    assert found["cosine_mapped"] == pytest.approx(1, abs=1e-4)
    assert found["same_label_mapped"] == pytest.approx(found["same_label_new"], abs=0.01)
