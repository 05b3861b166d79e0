import json
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from deploy.recordings.files import read_recordings
from deploy.recordings.recordings import Recordings, restrict
from deploy.recordings.truth import without_labels
from deploy.replay.command import replay_offline
from deploy.replay.loop import Loop
from deploy.replay.plan import ReplayPlan
from deploy.report.assessment import spread
from deploy.report.report import Report
from deploy.settings.config import as_toml
from streams.models.registry import Registry
from streams.pipeline import Pipeline
from streams.settings import IngestSettings
from streams.testing import SyntheticWorld

# Two complete nodes, held out; of the other six, three lack gravity and three the gyroscope.
WORLD = SyntheticWorld(n_sources=8, n_classes=3, n_complete=2, held_out=2, noise=0.1)
N_SLOTS = 24
FIELDS = (
    "windows_in", "samples", "rejects", "pairs", "samples_alone", "pair_precision", "pair_precision_second_half",
    "pair_precision_all", "chance_precision", "models_published", "pairs_by_version", "worker_model_version",
    "consumer_model_version", "swaps", "windows_lost", "pairs_trained", "pairs_trained_twice", "retrieval",
    "retrieval_natural_only", "retrieval_random", "retrieval_oracle", "seconds", "samples_withheld", "gap_closed",
    "pair_precision_estimate",
)  # fmt: skip


def settle_in(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """A folder and an environment without settings of this machine, with a small trainer."""
    patch.delenv("MMBIND_CONFIG", raising=False)
    patch.chdir(folder)
    for name, value in {"CYCLE_BINDINGS": 48, "STEPS_PER_CYCLE": 6, "BATCH_PAIRS": 16, "WIDTH": 8, "DIM": 16}.items():
        patch.setenv(f"MMBIND_TRAINER__{name}", str(value))


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settle_in(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Of recordings that have no labels and in which nobody is held out. Its controls take seconds: trained once."""
    with pytest.MonkeyPatch.context() as patch:
        settle_in(tmp_path_factory.mktemp("bare"), patch)
        some = replace(recordings(12), held_out=frozenset())
        hidden = restrict(some, hide=[f"node-0{i}:gyroscope" for i in range(2)])
        return replay_offline(ReplayPlan(replace(hidden, windows=tuple(without_labels(hidden.windows)))))


def recordings(n_slots: int = N_SLOTS) -> Recordings:
    file = Path("world.npz")
    windows = list(WORLD.windows(n_slots))
    arrays = {}
    for name in WORLD.specs:
        own = [one for one in windows if one.modality == name]
        arrays[f"{name}.values"] = np.stack([one.values for one in own])
        arrays[f"{name}.source"] = np.array([one.source_id for one in own])
        arrays[f"{name}.start_ns"] = np.array([one.start_ns for one in own])
        arrays[f"{name}.label"] = np.array([one.label for one in own])
        arrays[f"{name}.rate_hz"] = np.array(WORLD.specs[name].rate_hz)
    np.savez(file, **arrays)  # type: ignore[arg-type]
    return restrict(read_recordings(file), hold_out=WORLD.held_out)


def shared_only(n_slots: int) -> Recordings:
    """Nothing can be trained on these, so that no controls are either."""
    hide = [f"{source}:{name}" for source in WORLD.sources for name in ("gravity", "gyroscope")]
    return restrict(recordings(n_slots), hide=hide)


def loop_over(some: Recordings, folder: Path) -> Loop:
    loop = Loop(ReplayPlan(some).settings(), Registry(str(folder)))
    loop.replay(some.visible)
    return loop


def test_the_report_has_all_that_was_promised(tmp_path: Path) -> None:
    replay_offline(ReplayPlan(recordings()), tmp_path / "report.json", tmp_path / "report.png")
    read = json.loads((tmp_path / "report.json").read_text())
    assert [name for name in FIELDS if name not in read] == []
    assert (read["windows_lost"], read["rejects"], read["samples"]) == (0, 0, 8 * N_SLOTS)
    assert read["pairs_trained"] > 6 * N_SLOTS, "asked again"
    assert read["pairs_trained_twice"] == 0
    assert read["pair_precision"] > 2 * read["chance_precision"] > 0
    assert isinstance(read["pair_precision_estimate"], float) or read["pair_precision_estimate"] in ("none", "unknown")
    pairs = {"gravity->gyroscope", "gyroscope->gravity"}
    for arm in ("retrieval", "retrieval_natural_only", "retrieval_random", "retrieval_oracle"):
        assert set(read[arm]) == pairs
        assert 0 < read[arm]["gyroscope->gravity"]["cmap"] <= 1
    assert sum(read["pairs_by_version"].values()) == read["pairs"]
    assert (tmp_path / "report.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_recordings_and_seed_give_the_same_bindings_and_weights(tmp_path: Path) -> None:
    some = recordings()
    first, second = loop_over(some, tmp_path / "1"), loop_over(some, tmp_path / "2")
    assert first.bindings == second.bindings
    last = max(first.weights)
    for name, arrays in first.weights[last].items():
        for key, values in arrays.items():
            np.testing.assert_array_equal(values, second.weights[last][name][key])


def test_labels_change_nothing_in_the_loop(tmp_path: Path) -> None:
    some = recordings(12)
    shuffled = [msgspec.structs.replace(one, label=i % 5) for i, one in enumerate(some.windows)]
    relabelled = replace(some, windows=tuple(shuffled))
    assert loop_over(some, tmp_path / "1").bindings == loop_over(relabelled, tmp_path / "2").bindings


def test_a_version_that_passes_binds_what_comes_after(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"CHANCE_DEVIATIONS": 0, "MIN_EFFECTIVE_RANK": 1, "MAX_MEAN_COSINE": 1}.items():
        monkeypatch.setenv(f"MMBIND_TRAINER__GATE__{name}", str(value))
    monkeypatch.setenv("MMBIND_TRAINER__GATE__RETRIEVAL_ERRORS", "1000000")
    monkeypatch.setenv("MMBIND_TRAINER__STEPS_PER_CYCLE", "25")
    monkeypatch.setenv("MMBIND_TRAINER__WARM_SAMPLES", "1")
    loop = loop_over(recordings(), tmp_path)
    assert 0 < loop.followed == loop.models.view.current("stable")
    versions = [binding.model_version for binding in loop.bindings]
    assert versions == sorted(versions)
    assert set(versions) > {0}


def test_a_loop_without_swaps_binds_as_the_pipeline_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMBIND_TRAINER__GATE__MIN_EFFECTIVE_RANK", "1000")
    some = recordings(12)
    loop = loop_over(some, tmp_path)
    pipeline = Pipeline(ReplayPlan(some).settings())
    alone = pipeline.feed(some.visible) + pipeline.flush() + pipeline.review()
    assert loop.followed == 0
    assert loop.bindings == alone.bindings


def test_steps_in_all_are_spread_over_the_cycles(tmp_path: Path) -> None:
    some = recordings()
    settings = ReplayPlan(some, train_steps=30, seed=5).settings()
    loop = Loop(settings, Registry(str(tmp_path / "models")))
    loop.replay(some.visible)
    assert max(loop.losses) == 30
    assert settings.trainer.seed == 5


def test_hidden_modalities_of_training_sources_are_never_trained_on(tmp_path: Path) -> None:
    hidden = restrict(recordings(), hide=["node-02:gyroscope", "node-02:gravity"])
    loop = loop_over(hidden, tmp_path)
    seen = {name for sample in loop.samples.values() if sample.source_id == "node-02" for name in sample.windows}
    assert seen == {"acceleration"}


def test_without_held_out_sources_the_report_says_that_it_flatters(bare: Report) -> None:
    assert any("flatters" in note for note in bare.notes)
    assert bare.retrieval["gravity->gyroscope"]["mrr"] > 0


def test_recordings_without_labels_are_judged_by_the_very_window(bare: Report) -> None:
    assert bare.pair_precision is None
    assert bare.gap_closed is None
    assert {"mrr", "chance_mrr"} <= set(bare.retrieval["gyroscope->gravity"])
    assert not {"cmap", "r_at_1"} & set(bare.retrieval["gyroscope->gravity"])


def test_slots_that_do_not_fit_the_windows_are_told(tmp_path: Path) -> None:
    settings = tmp_path / "mmbind.toml"
    some = shared_only(6)
    plan = ReplayPlan(some)
    settings.write_text(as_toml(plan.settings().model_copy(update={"ingest": IngestSettings(hop_s=4 * some.hop_s)})))
    report = replay_offline(replace(plan, config=settings))
    assert any("stand closer than ingest.hop_s, 20 s" in note for note in report.notes)


def test_what_is_judged_is_spread_over_the_run() -> None:
    assert spread([1, 2, 3], 5) == [1, 2, 3]
    assert spread(list(range(1, 11)), 2) == [5, 10]
    assert spread([], 3) == []


def test_too_few_windows_give_no_model_and_say_so() -> None:
    report = replay_offline(ReplayPlan(shared_only(2)))
    assert report.models_published == 0
    assert any("No model was published" in note for note in report.notes)
