import msgspec
import numpy as np

from streams.intake.recorded import RecordedIntake
from streams.testing import SyntheticWorld

WORLD = SyntheticWorld(n_sources=4, n_classes=3, seed=2)
N_SLOTS = 6


def test_a_recording_becomes_the_samples_that_it_is_of() -> None:
    intake = RecordedIntake(WORLD.settings())
    found = [one for window in WORLD.windows(N_SLOTS) for one in intake.completed_by(window)] + intake.flush()
    wanted = {one.sample_id: one for one in WORLD.samples(N_SLOTS)}
    assert sorted(one.sample_id for one in found) == sorted(wanted)
    for one in found:
        for name in one.windows:
            np.testing.assert_array_equal(one.scaled(name), wanted[one.sample_id].scaled(name))
    assert not intake.refused


def test_the_time_is_the_streams_own_so_that_a_silent_source_holds_nothing_up() -> None:
    intake, first = RecordedIntake(WORLD.settings()), next(iter(WORLD.windows(1)))
    assert intake.completed_by(first) == []
    later = msgspec.structs.replace(first, source_id="another", start_ns=first.start_ns + 100 * WORLD.hop_ns)
    assert [one.source_id for one in intake.completed_by(later)] == [first.source_id]


def test_a_window_that_cannot_be_used_is_counted_and_costs_nothing_else() -> None:
    intake, first = RecordedIntake(WORLD.settings()), next(iter(WORLD.windows(1)))
    for window in (first, first, msgspec.structs.replace(first, modality="compass")):
        intake.completed_by(window)
    assert intake.refused == {"duplicate": 1, "unknown-modality": 1}
    assert len(intake.flush()) == 1
