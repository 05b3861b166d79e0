"""What is asked in another process is answered as it would be here, and its end costs nothing."""

import os
import signal
from collections.abc import Iterator

import numpy as np
import pytest

from encoders.nets import Encoder, EncoderFunction, encoder_weights
from streams.binder import Binder
from streams.records import Binding
from streams.settings import BindingSettings
from streams.testing import SyntheticWorld
from streams.worker.round_process import RoundProcess

WORLD = SyntheticWorld(n_sources=8, n_classes=4, n_complete=4)
SAMPLES = list(WORLD.samples(60))
WEIGHTS = {name: encoder_weights(Encoder(spec, dim=16, width=8)) for name, spec in WORLD.specs.items()}
ENCODERS = {name: EncoderFunction(spec, WEIGHTS[name]) for name, spec in WORLD.specs.items()}
SETTINGS = WORLD.settings(binding=BindingSettings(review_samples=128, held_windows=256))


@pytest.fixture(scope="module")
def process() -> Iterator[RoundProcess]:
    one = RoundProcess([WORLD.shared])
    yield one
    one.close()


def bindings_of(binder: Binder) -> list[Binding]:
    """Of a stream with a swap in it, so long that most of it is asked again, and has its windows no more."""
    before = binder.observe(SAMPLES[:200])
    binder.use(1, ENCODERS)
    return before + binder.observe(SAMPLES[200:]) + binder.review()


def test_bindings_are_the_same_to_the_last_bit_wherever_rounds_are_asked(process: RoundProcess) -> None:
    here, there = Binder(SETTINGS, "w"), Binder(SETTINGS, "w", ask=process.ask)
    assert bindings_of(there) == bindings_of(here)
    assert there.estimate == here.estimate
    np.testing.assert_equal(there.control, here.control)


def test_a_round_whose_process_was_killed_is_asked_here_and_the_next_one_there() -> None:
    process = RoundProcess([WORLD.shared])
    pid = process.pid
    os.kill(pid, signal.SIGKILL)
    here, there = Binder(SETTINGS, "w"), Binder(SETTINGS, "w", ask=process.ask)
    assert bindings_of(there) == bindings_of(here)
    assert process.pid != pid
    process.close()


def test_what_goes_wrong_there_is_raised_here(process: RoundProcess) -> None:
    binder = Binder(SETTINGS, "w", ask=process.ask)
    binder.observe(SAMPLES[:63])
    with pytest.raises(AttributeError):
        process.ask(None, binder._review._remembered.table(np.arange(4)), np.zeros(4, np.int64), {}, judged=False)  # type: ignore[arg-type]
