"""What is told of a rebuild beside the stream."""

import pytest

from benchmarks.speed.rebuild import endless, figures_of, measure
from streams.records import SensorWindow


def test_the_rate_meanwhile_stands_beside_the_one_before() -> None:
    found = {"before_s": [0.1, 0.3], "during_s": [0.4], "after_s": [0.8], "build_s": 4.0, "swap_s": 0.1, "back_s": 0.1}
    figures = figures_of(found, 50_000)
    assert figures["intake_during_rebuild"] == pytest.approx(0.5)
    assert figures["swap_in_micro_batches"] == pytest.approx(0.5)
    assert figures["longest_before_in_micro_batches"] == pytest.approx(1.5)
    assert figures["longest_after_in_micro_batches"] == pytest.approx(4)
    assert figures["windows_per_s"] == pytest.approx(320)
    assert figures["back_by_build"] == pytest.approx(0.025)


def test_samples_are_bound_until_the_build_has_ended(windows: list[SensorWindow]) -> None:
    found = measure(endless(windows), history=256, before=64, warm=64)
    assert found["during_s"] and found["build_s"] > 0 and found["swap_s"] > 0 and len(found["after_s"]) == 1
    assert found["held_bytes"] > 0 and found["back_s"] > 0
