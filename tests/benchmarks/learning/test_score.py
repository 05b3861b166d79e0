"""What encoders are worth, on embeddings whose worth is known."""

import numpy as np

from benchmarks.learning.score import nearest_centre


def test_the_nearest_centre_of_well_separated_classes_is_right() -> None:
    rows = np.eye(4, dtype=np.float32)[[0, 0, 1, 2, 3]]
    labels = np.array(["a", "a", "b", "c", "d"])
    assert nearest_centre(rows, labels, rows, labels) == 1.0
    assert nearest_centre(rows, labels, rows, np.roll(labels, 2)) < 1.0
