"""What is counted of a finished run."""

from deploy.recordings.recordings import arrange
from deploy.report.assessment import FinishedRun, assess
from streams.testing import SyntheticWorld
from tests.support.recorded import small_settings
from tests.support.reports import SAMPLES, STREAM, binding

WORLD = SyntheticWorld(2)


def test_a_sample_that_never_got_a_binding_is_counted_whoever_was_asked_again() -> None:
    run = FinishedRun(
        recordings=arrange("some", WORLD.specs.values(), WORLD.windows(1)),
        settings=WORLD.settings(),
        trainer=small_settings(),
        windows_in=0,
        windows_lost=0,
        rejects=0,
        samples=SAMPLES,
        bindings=[*STREAM[:3], binding("b@0", ("a@0", 1.0), again=1)],
        trained_bindings=(),
        weights={},
    )
    report = assess(run)
    assert (report.samples, report.bindings, report.samples_without_binding) == (4, 4, 1)
