"""`deploy/docs/is_binding_working.md` names nothing that is not there, and its pictures are small."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from pydantic import BaseModel

from deploy.recordings.files import read_recordings
from deploy.report.report import Report
from deploy.settings.config import Settings
from streams.records import OUTCOMES
from streams.worker.metrics import StreamMetrics

PAGE = Path(__file__).parents[2] / "deploy" / "docs" / "is_binding_working.md"
TEXT = PAGE.read_text()
QUOTED = re.findall(r"`([^`\n]+)`", TEXT)
BLOCKS: list[tuple[str, str]] = re.findall(r"^```(\w+)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
COMMANDS = [line for kind, text in BLOCKS if kind == "console" for line in text.splitlines()] + QUOTED
MOST_BYTES = 120_000


def test_links_and_pictures_lead_somewhere() -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", TEXT) if "://" not in link]
    headings = {re.sub(r"[^\w -]", "", one).lower().replace(" ", "-") for one in re.findall(r"^#+ (.+)$", TEXT, re.M)}
    assert len(links) > 8
    assert [one for one in links if one.startswith("#") and one[1:] not in headings] == []
    assert [one for one in links if not one.startswith("#") and not (PAGE.parent / one).is_file()] == []


@pytest.mark.parametrize("picture", sorted(PAGE.parent.glob("*.png")), ids=lambda one: one.name)
def test_a_picture_is_small_and_shown(picture: Path) -> None:
    assert picture.stat().st_size < MOST_BYTES
    assert f"({picture.name})" in TEXT


def test_settings_are_those_of_the_product() -> None:
    named = {one.split(" = ")[0] for one in QUOTED if re.match(r"(binding|ingest|trainer)\.", one)}
    assert len(named) > 5
    for name in named:
        section: type[BaseModel] = Settings
        *sections, last = name.split(".")
        for one in sections:
            found = section.model_fields[one].annotation
            assert isinstance(found, type)
            assert issubclass(found, BaseModel)
            section = found
        assert last in section.model_fields, name


def test_metrics_are_those_of_a_worker() -> None:
    registry = CollectorRegistry()
    StreamMetrics(registry).binding_weight.labels("m").set(1)
    shown = generate_latest(registry).decode()
    named = set(re.findall(r"mmbind_[a-z_]+[a-z]", TEXT)) - {"mmbind_stream"}
    assert len(named) > 4
    # What `grep` looks for are beginnings.
    assert [one for one in named if f"\n{one}" not in shown and one != "mmbind"] == []
    (pattern,) = re.findall(r"grep -E '(.+)'", TEXT)
    found = [line for line in shown.splitlines() if re.search(pattern, line)]
    assert len(found) == 1 + 2 + 3 + 2 + len(OUTCOMES) + 1


def test_states_outcomes_and_fields_of_the_report_exist() -> None:
    fields = {one.name for one in msgspec.structs.fields(Report)}
    named = {one for one in QUOTED if re.match(r"(pair_precision|chance_|samples_)\w*$", one)}
    assert len(named) > 4
    assert named <= fields
    assert {"withheld", "alone", "no-shared-modality"} <= set(QUOTED) & set(OUTCOMES)


@pytest.mark.parametrize("words", ["mmbind replay", "mmbind tail", "mmbind config show", "mmbind models list"])
def test_commands_have_the_options_that_they_are_given(words: str) -> None:
    given = [line for line in COMMANDS if line.startswith(words)]
    assert given
    command = [sys.executable, "-m", "deploy.cli", *words.split()[1:], "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, env={"COLUMNS": "200", "TERM": "dumb"})
    options = {option for line in given for option in re.findall(r"--[a-z-]+", line)}
    assert [option for option in options if option not in shown.stdout] == []


def test_benchmarks_are_there() -> None:
    named = set(re.findall(r"python -m benchmarks\.([\w.]+)", TEXT))
    assert {"reliability", "reliability.course"} <= named
    assert [one for one in named if not importlib.util.find_spec(f"benchmarks.{one}")] == []


def test_the_example_file_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (program,) = (text for kind, text in BLOCKS if kind == "python")
    monkeypatch.chdir(tmp_path)
    exec(program, {})
    recordings = read_recordings(Path("mine.npz"))
    assert len(recordings.sources) == 4
    assert {one.values.shape for one in recordings.windows} == {(250, 3)}
    assert np.isfinite(recordings.windows[0].values).all()
