"""The demo from start to end, short: the real embedded broker, worker, trainer and consumer, and what it reports."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from deploy.demo.demo import run_demo
from deploy.report.report import Report
from streams.service.folder_lock import FolderInUse, FolderLock

ROOT = Path(__file__).parents[3]
# Three windows of each recording are three cycles of the trainer, the third of which passes the gate.
SHORT = ("--windows", "3", "--speed", "15")
N_SOURCES, N_RECORDINGS = 20, 7


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a short demo left."""
    folder = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "deploy.cli", "demo", *SHORT, "--folder", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=400, check=False, env=environment)
    logs = "".join(f"--- {file.name}\n{file.read_text()[-2000:]}" for file in (folder / "logs").glob("*.log"))
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{logs}"
    return folder


@pytest.fixture(scope="module")
def report(folder: Path) -> Report:
    return msgspec.json.decode((folder / "report.json").read_bytes(), type=Report)


def test_no_window_is_lost_and_every_sample_has_a_binding(report: Report) -> None:
    assert report.samples == N_SOURCES * N_RECORDINGS * int(SHORT[1])
    # Every node lacks one of three sensors, but for the four of two people.
    assert report.windows_in == 2 * report.samples + 4 * N_RECORDINGS * int(SHORT[1])
    assert (report.windows_lost, report.rejects, report.samples_without_binding) == (0, 0, 0)
    assert report.pair_precision is not None and report.chance_precision is not None
    assert report.pair_precision > 3 * report.chance_precision


def test_versions_are_published_and_judged_and_nothing_is_trained_twice(report: Report) -> None:
    assert report.models_published >= 1
    assert set(report.retrieval_by_version) == set(range(1, report.models_published + 1))
    assert report.pairs_trained > 0
    assert report.pairs_trained_twice == 0
    assert [one.control for one in report.differences] == ["natural only", "random", "oracle"]


def test_a_few_labels_on_one_kind_of_nodes_reach_the_other_kind(report: Report) -> None:
    assert report.labels is not None
    assert {report.labels.labelled, report.labels.told} == {"gravity", "gyroscope"}
    assert report.labels.n_labels == 5 * 7
    # Two people are held out.
    assert report.labels.n_told == (N_SOURCES - 4) // 2 * N_RECORDINGS * int(SHORT[1])
    assert report.labels.right > 0.5
    assert report.labels.not_known < 0.1


def test_worker_and_consumer_run_the_same_version(report: Report) -> None:
    assert report.worker_model_version == report.consumer_model_version > 0


def test_the_picture_is_one(folder: Path) -> None:
    picture = (folder / "report.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 10_000


def test_a_folder_in_which_another_demo_runs_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    lock = FolderLock(tmp_path)
    with pytest.raises(FolderInUse, match="is in use by process"):
        run_demo(tmp_path)
    lock.release()
    assert (tmp_path / "data").exists()
