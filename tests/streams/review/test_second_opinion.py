import numpy as np

from streams.history.table import SampleTable, TableRow
from streams.precision.witnesses import describe_all
from streams.records import Sample
from streams.review.second_opinion import second_opinion
from streams.testing import SyntheticWorld

WORLD = SyntheticWorld(n_sources=6, n_classes=4)
SAMPLES = list(WORLD.samples(20))
LABELS = np.array([one.label for one in SAMPLES])
SOURCES = np.array([one.source_id for one in SAMPLES])
AMONG = SOURCES[:, None] != SOURCES[None, :]
GRAVITY = np.array(["gravity" in one.windows for one in SAMPLES])


class Knowing:
    """An encoder that knows what each window shows, and whose embeddings lie in a corner of its own."""

    def __init__(self, name: str, corner: int, samples: list[Sample] = SAMPLES) -> None:
        self._label = {one.scaled(name).tobytes(): one.label for one in samples if name in one.windows}
        self._corner = corner

    def __call__(self, windows: np.ndarray) -> np.ndarray:
        rows = np.zeros((len(windows), 16), np.float32)
        rows[:, self._corner] = 3
        for row, window in zip(rows, windows, strict=True):
            row[int(str(self._label[window.tobytes()]))] = 1
        unit: np.ndarray = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit


ENCODERS = {"gravity": Knowing("gravity", 10), "gyroscope": Knowing("gyroscope", 11)}


def opinion(encoders: dict[str, Knowing], samples: list[Sample] = SAMPLES) -> np.ndarray:
    table = SampleTable([TableRow.of(one) for one in samples])
    found: np.ndarray = second_opinion(table, [WORLD.shared], encoders, AMONG)
    return found


def test_what_shows_the_same_goes_together_whichever_sensors_saw_it() -> None:
    """Each modality's embeddings lie together, which must not speak for pairs of one modality."""
    found, same, across = opinion(ENCODERS), LABELS[:, None] == LABELS[None, :], GRAVITY[:, None] != GRAVITY[None, :]
    assert found[AMONG & same & across].min() > found[AMONG & ~same & ~across].max()


def test_it_is_in_standard_deviations_of_chance() -> None:
    found = opinion(ENCODERS)[AMONG]
    np.testing.assert_allclose([found.mean(), found.std()], [0, 1], atol=1e-3)


def test_nothing_is_said_of_who_has_no_modality_that_was_trained() -> None:
    found = opinion({"gravity": ENCODERS["gravity"]})
    known = GRAVITY[:, None] & GRAVITY[None, :]
    assert found[known].all()
    assert not found[~known].any()


def test_the_modality_that_binds_is_not_heard_twice() -> None:
    shared = Knowing(WORLD.shared, 12)
    assert not opinion({WORLD.shared: shared}).any()
    np.testing.assert_array_equal(opinion({**ENCODERS, WORLD.shared: shared}), opinion(ENCODERS))


def test_nothing_is_said_of_windows_that_are_not_held_and_were_not_embedded() -> None:
    """After a swap old samples have descriptors, but neither windows nor embeddings by the new model."""
    table = SampleTable([TableRow.of(one) for one in SAMPLES])
    describe_all(table, WORLD.specs)
    for row in table.rows[::2]:
        row.windows = None
    found = second_opinion(table, [WORLD.shared], ENCODERS, AMONG)
    assert not found[::2].any()
    assert found[1::2, 1::2].any()
