"""The generation before the present one: gone back to without embedding anew, as if it had followed all along."""

import numpy as np
import pytest

from streams.binder import Binder
from streams.history.index import SegmentedIndex
from streams.records import Binding
from streams.settings import BindingSettings, IndexSettings
from streams.testing import SyntheticWorld

WORLD = SyntheticWorld(n_sources=6, n_classes=3, noise=0.5)
SAMPLES = list(WORLD.samples(150))
# Segments of 64 rows, the third youngest and older ones with graphs; from row 320 on the oldest are dropped.
INDEX = IndexSettings(history_samples=256, segment_samples=64)
SHARED = WORLD.shared


class CountedEncoder:
    """Unit rows of windows, other ones for each seed; counts the windows, but for one by one to know the length."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.n_windows = 0

    def __call__(self, windows: np.ndarray) -> np.ndarray:
        self.n_windows += len(windows) if windows.any() else 0
        flat = windows.reshape(len(windows), -1)[:, self._seed : self._seed + 20].astype(np.float64) + 0.1
        unit: np.ndarray = (flat / np.linalg.norm(flat, axis=1, keepdims=True)).astype(np.float32)
        return unit


class Run:
    """A binder that takes the samples in order, by models 1, 2 and 3."""

    def __init__(self, held_mb: float = 256.0, binding: BindingSettings | None = None) -> None:
        index = INDEX.model_copy(update={"held_generation_mb": held_mb})
        self.binder = Binder(WORLD.settings(binding=binding or BindingSettings(review_samples=0), index=index))
        self.encoders = {version: CountedEncoder(version) for version in (1, 2, 3)}
        self._n_taken = 0

    def take(self, n: int) -> list[Binding]:
        first, self._n_taken = self._n_taken, self._n_taken + n
        return self.binder.observe(SAMPLES[first : self._n_taken])

    def use(self, version: int) -> int:
        """How many windows its encoder embedded for it."""
        before = self.encoders[version].n_windows
        self.binder.use(version, {SHARED: self.encoders[version]})
        return self.encoders[version].n_windows - before


def has_ended(index: SegmentedIndex) -> bool:
    """Whether it was closed: its thread takes no more work."""
    with pytest.raises(RuntimeError, match="after shutdown"):
        index._executor.submit(int)
    return True


def test_going_back_embeds_only_the_samples_since() -> None:
    run = Run()
    run.take(200)
    assert run.use(1) == 200
    run.take(30)
    assert run.use(2) == 230
    run.take(50)
    assert run.use(1) == 50
    assert run.use(2) == 0
    assert [swap.version for swap in run.binder.swaps] == [1, 2, 1, 2]
    assert run.binder.generation.n_rows == 280


@pytest.mark.parametrize("n_meanwhile", [0, 37, 150])
def test_what_is_gone_back_to_binds_as_if_it_had_followed_row_by_row(n_meanwhile: int) -> None:
    run, other = Run(), Run()
    for one in (run, other):
        one.take(100)
        one.use(1)
        one.take(130)
    kept = other.binder.generation
    for one in (run, other):
        one.use(2)
    for _ in range(n_meanwhile):
        assert run.take(1) == other.take(1)
        kept.follow(other.binder.store, other.binder.store.n_rows)
    run.use(1)
    other.use(1)
    assert other.binder.generation is kept
    found = run.take(200)
    assert found == other.take(200)
    assert {one.model_version for one in found} == {1}
    assert run.binder.generation.n_bytes == kept.n_bytes


def test_going_back_at_a_recorded_moment_gives_the_same_bindings() -> None:
    def bind(step: int) -> list[Binding]:
        binder = Binder(WORLD.settings(index=INDEX), "w")
        found: list[Binding] = []
        build = None
        for at in range(0, 600, step):
            if at in (120, 240):
                build = binder.begin_build(1 if at == 120 else 0, {SHARED: CountedEncoder(1)} if at == 120 else {})
            if at in (180, 300) and build is not None:
                binder.swap(build)
            found += binder.observe(SAMPLES[at : at + step])
        return found

    whole = bind(60)
    assert bind(4) == whole
    assert [one.model_version for one in whole if not one.round] == [0] * 180 + [1] * 120 + [0] * 300


@pytest.mark.parametrize("held_mb", [0.0, 0.5])
def test_none_is_held_that_does_not_fit(held_mb: float) -> None:
    run = Run(held_mb)
    run.take(100)
    run.use(1)
    retired = run.binder.generation
    assert retired.n_bytes > 0.5 * (1 << 20)
    run.use(2)
    assert run.binder.held_bytes == 0
    assert has_ended(retired.index)
    assert run.use(1) == 100


def test_one_that_just_fits_is_held_and_its_bytes_are_told() -> None:
    measured = Run()
    measured.take(100)
    n_bytes = measured.binder.generation.n_bytes
    run = Run(n_bytes / (1 << 20))
    run.take(100)
    run.use(1)
    assert run.binder.held_bytes == n_bytes


def test_it_is_let_go_of_as_soon_as_it_lacks_a_row_that_is_gone() -> None:
    run = Run()
    run.take(100)
    run.use(1)
    held = run.binder.generation
    run.use(2)
    while run.binder.store.first_row < 64:  # a whole segment: of rows that it has
        run.take(1)
    assert run.binder.held_bytes
    while run.binder.store.first_row < 128:
        assert run.binder.held_bytes
        run.take(1)
    assert not run.binder.held_bytes
    assert has_ended(held.index)
    assert run.use(1) == run.binder.store.n_samples


def test_a_third_model_takes_the_place_of_the_first() -> None:
    run = Run()
    run.take(100)
    run.use(1)
    first = run.binder.generation
    run.use(2)
    assert run.use(3) == 100
    assert has_ended(first.index)
    assert run.use(2) == 0
    assert run.use(1) == 100


def test_one_that_compares_windows_in_another_way_by_now_is_built_anew() -> None:
    run = Run(binding=BindingSettings(review_samples=0, descriptor="auto"))
    run.take(100)
    run.use(1)
    run.use(2)
    # As a round finds that sensors are rotated.
    run.binder._review._question.comparisons[SHARED] = "rotation-tolerant"
    assert run.use(1) == 100
    assert run.binder.generation.descriptor == "rotation-tolerant"


def test_another_life_of_a_worker_builds_anew() -> None:
    run = Run()
    run.take(100)
    run.use(1)
    run.use(2)
    run = Run()
    run.binder.remember(SAMPLES[:150])
    assert run.use(1) == 150


def test_going_back_takes_what_the_store_drops_meanwhile() -> None:
    run = Run()
    run.take(100)
    run.use(1)
    run.use(2)
    run.take(28)
    build = run.binder.begin_build(1, {SHARED: run.encoders[1]})
    run.take(260)
    assert run.binder.store.first_row == 128
    run.binder.swap(build)
    assert {one.model_version for one in run.take(5) if one.outcome == "bound"} == {1}
    assert run.binder.generation.n_rows == 393
