"""What becomes of a disturbed stream."""

from benchmarks.fleet.outcome import Outcome, outcome_of
from deploy.recordings.recordings import Recordings
from streams.settings import BindingSettings

BINDING = BindingSettings(calibration=False)


def test_wrong_clocks_of_sources_change_nothing_and_those_of_sensors_part_samples(fleet: Recordings) -> None:
    still, sources, sensors = (
        outcome_of(fleet, name, 0, BINDING) for name in ("undisturbed", "clocks of sources", "clocks of sensors")
    )
    assert still.natural_edges == sources.natural_edges == 1
    assert sensors.natural_edges < 1
    assert still.precision() == sources.precision() > 0.5


def test_precision_is_the_share_of_right_partners_of_all_or_of_some() -> None:
    one, two, three = ("a", 0), ("a", 1), ("b", 0)
    outcome = Outcome({one: True, two: False, three: True}, frozenset({two}), natural_edges=1.0)
    assert outcome.precision() == 2 / 3
    assert outcome.precision(outcome.touched) == 0
