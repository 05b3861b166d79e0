"""What `mmbind replay --offline` says binds, and what it keeps for other commands."""

import json
from pathlib import Path

import numpy as np
import pytest

from deploy.recordings.files import read_recordings
from deploy.recordings.recordings import Recordings, restrict
from deploy.replay.plan import ReplayPlan
from deploy.settings.config import as_toml
from streams.labels import LABEL
from streams.testing import SyntheticWorld
from tests.support.commands import refusal, run

WORLD = SyntheticWorld(n_sources=8, n_classes=3, n_complete=2, held_out=2, noise=0.1)


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MMBIND_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("MMBIND_BROKER__BOOTSTRAP_SERVERS", "127.0.0.1:9")
    for name, value in {"CYCLE_BINDINGS": 48, "STEPS_PER_CYCLE": 6, "BATCH_PAIRS": 16, "WIDTH": 8, "DIM": 16}.items():
        monkeypatch.setenv(f"MMBIND_TRAINER__{name}", str(value))


def recordings(n_slots: int = 20) -> Recordings:
    windows, arrays = list(WORLD.windows(n_slots)), {}
    for name in WORLD.specs:
        own = [one for one in windows if one.modality == name]
        arrays[f"{name}.values"] = np.stack([one.values for one in own])
        arrays[f"{name}.rate_hz"] = np.array(WORLD.specs[name].rate_hz)
        for attribute in ("source_id", "start_ns", "label"):
            key = "source" if attribute == "source_id" else attribute
            arrays[f"{name}.{key}"] = np.array([getattr(one, attribute) for one in own])
    np.savez("world.npz", **arrays)  # type: ignore[arg-type]
    return read_recordings(Path("world.npz"))


def settings_file(some: Recordings, shared: str, *also_shared: str) -> Path:
    settings = ReplayPlan(some).settings()
    binding = settings.binding.model_copy(update={"also_shared": also_shared})
    file = Path("mmbind.toml")
    file.write_text(as_toml(settings.model_copy(update={"shared_modality": shared, "binding": binding})))
    return file


def test_what_the_settings_say_binds_binds() -> None:
    some = recordings(4)
    assert ReplayPlan(some).choice == ("acceleration", "most sources have it")
    plan = ReplayPlan(some, settings_file(some, "gravity"))
    assert plan.choice == ("gravity", "the settings' shared_modality")
    assert plan.settings().shared_modality == "gravity"
    assert ReplayPlan(some, Path("mmbind.toml"), shared="gyroscope").choice == ("gyroscope", "it was asked for")


def test_the_environment_says_what_binds_without_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMBIND_SHARED_MODALITY", "gyroscope")
    assert ReplayPlan(recordings(4)).choice[0] == "gyroscope"


def test_what_the_recordings_lack_cannot_bind_and_it_is_said() -> None:
    some = recordings(4)
    hidden = restrict(some, hide=[f"{source}:gravity" for source in WORLD.sources if has(some, source, "gravity")])
    plan = ReplayPlan(hidden, settings_file(some, "gravity"))
    assert plan.choice == (
        "acceleration",
        "most sources have it, and no window has gravity, the settings' shared_modality",
    )
    assert plan.settings().shared_modality == "acceleration"


def test_labels_bind_if_the_settings_say_so_and_there_are_some() -> None:
    some = recordings(4)
    assert ReplayPlan(some, settings_file(some, LABEL)).choice[0] == LABEL


def test_a_kept_model_is_embedded_and_tuned_with() -> None:
    some = recordings()
    settings_file(some, "acceleration", "gravity")
    said = run(["replay", "world.npz", "--offline", "--keep", "kept", "--report", "report.json"])
    assert "what binds: acceleration; the settings' shared_modality" in said
    weights = json.loads(Path("report.json").read_text())["binding_weights"]
    assert list(weights) == ["acceleration", "gravity"]
    assert all(f"{name} binds, with weight (0: nobody)" in said for name in weights)
    embed, tune = (line for line in said.splitlines() if line.startswith("mmbind "))
    run(on_world(embed))
    with np.load("embeddings.npz") as found:
        assert found["embedding"].shape == (len(WORLD.sources) * 20, 16)
    assert "accuracy" in run(on_world(tune))


def test_what_is_kept_needs_a_new_folder_and_no_broker() -> None:
    recordings(4)
    Path("kept").mkdir()
    assert refusal(["replay", "world.npz", "--offline", "--keep", "kept"]).startswith("--keep kept: is there already")
    assert refusal(["replay", "world.npz", "--keep", "new"]).startswith("--keep goes with --offline")


def has(some: Recordings, source: str, modality: str) -> bool:
    return any((one.source_id, one.modality) == (source, modality) for one in some.windows)


def on_world(command: str) -> list[str]:
    """A command as it was printed, on our file."""
    return ["world.npz" if word == "FILE" else word for word in command.split()[1:]]
