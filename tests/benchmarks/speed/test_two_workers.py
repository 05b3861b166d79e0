"""What is told of two workers beside one."""

from pathlib import Path

import pytest

from benchmarks.speed.two_workers import figures_of, settings_of
from deploy.settings.config import Settings


def test_the_ratio_is_that_of_the_rates() -> None:
    measured = {n: {"samples_per_s": 1000.0 * rate} for n, rate in ((1, 2.0), (2, 3.0))}
    found = figures_of(measured, "a broker")
    assert found["two_workers_over_one"] == pytest.approx(1.5)
    assert found["by_workers"] == measured


def test_each_worker_has_a_folder_and_a_port_of_its_own(tmp_path: Path) -> None:
    modality = {"n_channels": 3, "n_steps": 100, "rate_hz": 20.0}
    whole = Settings.model_validate({"modalities": {"gyroscope": modality}, "shared_modality": "gyroscope"})
    one, other = (settings_of(whole, tmp_path / name) for name in "ab")
    assert one.runtime.stream_port != other.runtime.stream_port
    assert Path(other.runtime.data_dir) == tmp_path / "b"
    assert one.topics == whole.topics
