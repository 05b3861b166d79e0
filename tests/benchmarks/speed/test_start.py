"""What a worker's log says of its start."""

import pytest

from benchmarks.speed.start import read_back_in


def test_samples_and_seconds_are_found_in_the_log() -> None:
    line = "given 4 of 4 partitions of windows, 1 of 1 of samples; 20000 samples of history read back in 24.3 s"
    assert read_back_in(f"worker started\n{line}\n") == (20_000, 24.3)


def test_a_log_without_them_is_told() -> None:
    with pytest.raises(ValueError, match="got 'worker started'"):
        read_back_in("worker started")
