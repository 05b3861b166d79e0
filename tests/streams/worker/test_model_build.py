"""A model that is wanted while another one's generation is being built: only it is swapped in, and nothing stays."""

import threading
from collections.abc import Callable

import numpy as np
import pytest

from streams.arrival.generation import Generation
from streams.binder import Binder
from streams.testing import SyntheticWorld
from streams.worker.mailbox import WantedModel
from streams.worker.model_build import BuildEnd, ModelBuild
from tests.support.waiting import wait_until

WORLD = SyntheticWorld(n_sources=6, n_classes=3)
SAMPLES = list(WORLD.samples(40))


class Slow:
    """An encoder that stops at the first windows of a history, until it may go on."""

    def __init__(self) -> None:
        self.has_begun, self.may_go_on = threading.Event(), threading.Event()

    def __call__(self, windows: np.ndarray) -> np.ndarray:
        if windows.any():
            self.has_begun.set()
            assert self.may_go_on.wait(60)
        return quick(windows)


def quick(windows: np.ndarray) -> np.ndarray:
    flat = windows.reshape(len(windows), -1)[:, :8].astype(np.float64) + 0.1
    unit: np.ndarray = (flat / np.linalg.norm(flat, axis=1, keepdims=True)).astype(np.float32)
    return unit


def wanted(version: int, encode: Callable[[np.ndarray], np.ndarray]) -> WantedModel:
    return WantedModel(version, lambda: {WORLD.shared: encode})


class Watched(Binder):
    """Remembers which generations were begun."""

    def __init__(self) -> None:
        super().__init__(WORLD.settings(index={"history_samples": 128, "segment_samples": 64}))
        self.begun: list[Generation] = []

    def begin_build(self, version: int, encoders: object = None) -> object:  # type: ignore[override]
        build = super().begin_build(version, encoders)  # type: ignore[arg-type]
        self.begun.append(build.generation)
        return build


def end_of(models: ModelBuild, binder: Binder) -> BuildEnd:
    ends: list[BuildEnd] = []

    def has_ended() -> bool:
        end = models.step(binder)
        ends.extend([end] if end else [])
        return bool(ends)

    wait_until(has_ended, 60, every_s=0.005)
    return ends[0]


def is_closed(generation: Generation) -> bool:
    try:
        generation.index._executor.submit(int)
    except RuntimeError:
        return True
    return False


def sealing() -> int:
    return sum(thread.name.startswith("seal") for thread in threading.enumerate())


def test_a_newer_model_takes_the_place_of_one_that_is_being_built() -> None:
    binder, models, slow = Watched(), ModelBuild(lambda: 0.0), Slow()
    binder.observe(SAMPLES[:200])
    before = sealing()
    models.want(wanted(2, slow))
    wait_until(lambda: models.step(binder) is None and slow.has_begun.is_set(), 60, every_s=0.005)
    models.want(wanted(3, quick))
    assert models.step(binder) is None
    assert {one.model_version for one in binder.observe(SAMPLES[200:210])} == {0}
    slow.may_go_on.set()
    assert end_of(models, binder).refusal is None
    assert [swap.version for swap in binder.swaps] == [3]
    assert binder.version == 3
    second, third = binder.begun
    assert (second.version, third.version) == (2, 3)
    assert is_closed(second) and not is_closed(third)
    # Those of the present generation and of the one that is held.
    wait_until(lambda: sealing() <= before + 1, 60)


@pytest.mark.parametrize("is_built", [False, True])
def test_a_build_that_a_whole_history_has_passed_is_begun_anew_and_not_refused(is_built: bool) -> None:
    binder, models, slow = Watched(), ModelBuild(lambda: 0.0), Slow()
    binder.observe(SAMPLES[:30])
    models.want(wanted(2, slow))
    wait_until(lambda: models.step(binder) is None and slow.has_begun.is_set(), 60, every_s=0.005)
    if is_built:  # and the stream goes on before anybody looks
        slow.may_go_on.set()
        wait_until(lambda: models._building is not None and models._building.done.done(), 60, every_s=0.005)
    binder.observe(SAMPLES[30:])
    assert binder.store.first_row > 30
    slow.may_go_on.set()
    assert end_of(models, binder) == (None, 0.0, 1)
    first, second = binder.begun
    assert is_closed(first) and binder.generation is second
    assert [tuple(swap) for swap in binder.swaps] == [(2, 240, 240)]
