"""Files in and out by the command line, with a broker and without."""

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from deploy.cli.main import app
from deploy.errors import CommandError, WrongInput
from deploy.machine.brokers import EmbeddedBroker
from deploy.recordings.files import read_recordings
from deploy.settings.config import ConfigError, load
from deploy.settings.entries import add_entries
from deploy.topics.admin import admin_client
from deploy.topics.recorded import record
from deploy.topics.send import send_recordings
from streams.broker.topics import create_topics

TOML = """shared_modality = "acc"
[modalities.acc]
n_channels = 3
n_steps = 50
rate_hz = 10
[modalities.gyroscope]
n_channels = 3
n_steps = 50
rate_hz = 10
"""


@pytest.fixture(autouse=True)
def _own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MMBIND_CONFIG", raising=False)


@pytest.fixture
def installed(embedded_broker: EmbeddedBroker, prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMBIND_BROKER__BOOTSTRAP_SERVERS", embedded_broker.bootstrap_servers)
    monkeypatch.setenv("MMBIND_TOPICS__PREFIX", prefix)
    Path("mmbind.toml").write_text(TOML)
    with admin_client(load().broker) as admin:
        create_topics(admin, load())


def said(*command: str) -> str:
    done = CliRunner().invoke(app, list(command), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return " ".join(done.output.split())


def logged(node: str, sensors: str = "ag", n: int = 151) -> str:
    head = ",".join(["time", *(f"{sensor}{axis}" for sensor in sensors for axis in "xyz"), "label"])
    cells = ["0.5"] * 3 * len(sensors)
    rows = (",".join([f"{1_700_000_000 + i / 10:.1f}", *cells, "walk"]) for i in range(n))
    Path(f"{node}.csv").write_text("\n".join([head, *rows]) + "\n")
    return f"{node}.csv"


def test_discover_writes_settings_for_a_file_and_import_then_cuts_by_them() -> None:
    files = [logged("node-1", "ag"), logged("node-2", "a")]
    told = said("discover", *files, "--write", "--window-s", "3")
    assert "node-1: accelerometer (151 samples), gyroscope (151 samples)" in told
    assert "accelerometer is the sensor that most have, 2 of 2: it would bind the others" in told
    assert "mmbind.toml: added accelerometer, gyroscope" in told
    settings = load()
    assert (settings.shared_modality, settings.ingest.hop_s, settings.modalities["gyroscope"].n_steps) == (
        "accelerometer", 3.0, 30,
    )  # fmt: skip
    assert settings.modalities["gyroscope"].channels == ("gx", "gy", "gz")
    assert "mmbind.toml: added nothing: all are there" in said("discover", *files, "--write")
    assert "accelerometer: 10 windows [30, 3] of 2 nodes, at 10 Hz" in said("import", *files, "--out", "all.jsonl")
    assert len(read_recordings(Path("all.jsonl")).windows) == 15


def test_discover_appends_what_the_settings_lack() -> None:
    Path("mmbind.toml").write_text("[modalities.accelerometer] # mine\nn_channels = 3\nn_steps = 5\nrate_hz = 1\n")
    CliRunner().invoke(app, ["discover", logged("node-1", "am"), "--write"])
    Path("mmbind.toml").write_text('shared_modality = "accelerometer"\n' + Path("mmbind.toml").read_text())
    assert "added magnetometer" in said("discover", "node-1.csv", "--write")
    text = Path("mmbind.toml").read_text()
    assert "# mine" in text
    assert set(tomllib.loads(text)["modalities"]) == {"accelerometer", "magnetometer"}


@pytest.mark.usefixtures("installed")
def test_what_is_imported_can_be_discovered_and_recorded_and_is_the_same() -> None:
    files = [logged("node-1", "ag"), logged("node-2", "a")]
    assert "accelerometer" not in said("import", *files)
    told = said("discover", "windows.*")
    assert "node-1: acc (3 windows), gyroscope (3 windows) node-2: acc (3 windows)" in told
    assert "[modalities.acc] n_channels = 3 n_steps = 50 rate_hz = 10.0" in told
    assert "node-2" not in said("discover", "windows.gyroscope")
    assert "all.jsonl: 9 windows" in said("record", "all.jsonl", "--all")
    read, sent = read_recordings(Path("all.jsonl")), read_recordings(Path("node-2.csv"))
    assert {one.label for one in read.windows} == {None}
    assert len(sent.windows) == 3
    first = next(one for one in read.windows if (one.source_id, one.modality) == ("node-1", "gyroscope"))
    assert first.values.shape == (50, 3)
    with pytest.raises(WrongInput, match=r"all\.jsonl is there already, wanted a new file"):
        said("record", "all.jsonl", "--all")
    with pytest.raises(CommandError, match=r"windows\.no: no such file, and no such topic of windows; there are"):
        said("discover", "windows.no")


@pytest.mark.usefixtures("installed")
def test_a_record_of_some_seconds_has_what_came_in_them(tmp_path: Path) -> None:
    said("import", logged("node-1", "g"))
    windows = read_recordings(Path(logged("node-2", "g", n=101)))

    done = record(load(), tmp_path / "new.jsonl", lambda: send_recordings(windows, load(), 0), keeps_labels=True)
    assert (done.n_windows, done.n_unreadable) == (2, 0)
    assert read_recordings(tmp_path / "new.jsonl").sources == ("node-2",)


@pytest.mark.usefixtures("installed")
def test_labels_that_windows_were_sent_with_are_recorded_where_asked() -> None:
    window = {"source_id": "n", "modality": "acc", "start_ns": 10**18, "values": [[0.1, 2, 3]] * 50, "label": "walk"}
    Path("window.json").write_text(json.dumps(window))
    said("send", "window.json")
    said("record", "with.jsonl", "--all", "--labels")
    said("record", "without.jsonl", "--all")
    (labelled,), (bare,) = (read_recordings(Path(f"{name}.jsonl")).windows for name in ("with", "without"))
    assert (labelled.label, bare.label) == ("walk", None)
    np.testing.assert_array_equal(labelled.values, np.array([[0.1, 2, 3]] * 50, np.float32))


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["import", "a.csv", "--columns", "acc"], "--columns acc: wanted MODALITY=COLUMN,COLUMN,..."),
        (["import", "a.csv", "--time-unit", "h"], "--time-unit h: wanted one of s, ms, us, ns"),
        (["import", "a.csv", "--start", "noon"], "--start noon: wanted ISO 8601"),
        (["import", "a.npz", "b.csv"], "a.npz and 1 more: wanted tables, or one file of windows"),
        (["record", "a.jsonl", "--for", "soon"], "--for soon: wanted 90s, 30m, 2h or 1d"),
        (["record", "a.jsonl", "--for", "9s", "--all"], "--for 9s: wanted 90s, 30m, 2h or 1d, and not --all"),
    ],
)
def test_a_wrong_option_is_named(command: list[str], message: str) -> None:
    with pytest.raises(WrongInput) as caught:
        said(*command)
    assert str(caught.value).startswith(message)


def test_entries_are_not_written_to_what_is_no_toml() -> None:
    Path("some.toml").write_text("no toml")
    with pytest.raises(ConfigError, match=r"some\.toml, line \d+: not TOML"):
        add_entries(Path("some.toml"), {}, "acc", 5)


def test_a_csv_file_is_replayed_offline(tmp_path: Path) -> None:
    told = said("replay", logged("node-1", "ag"), "--offline", "--train-steps", "1", "--report", "report.json")
    assert "node-1.csv: node node-1; times in column time, Unix time in s" in told
    assert json.loads(Path("report.json").read_text())
