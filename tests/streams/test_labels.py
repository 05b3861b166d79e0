"""Labels as the shared modality: nodes that share no sensor are bound by what their windows are labelled."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from deploy.downstream.embed import chosen_modalities
from deploy.machine.brokers import Broker
from deploy.recordings.recordings import Recordings, arrange, restrict
from deploy.recordings.truth import as_seen
from deploy.replay.loop import Loop
from deploy.replay.plan import ReplayPlan
from deploy.settings.config import ConfigError, as_toml, load
from encoders.nets import load_encoders
from streams.intake.assembly import Group
from streams.intake.windows import Intake
from streams.labels import LABEL, LABEL_SCALING, LABEL_SPEC, LabelKind, LabelWindows, label_likeness, n_sensor_windows
from streams.messages.codec import decode_sample, encode
from streams.messages.message import Place
from streams.models.registry import Registry
from streams.pipeline import Bound, Pipeline
from streams.records import Binding, Label, Sample, SensorWindow
from streams.settings import BindingSettings, IndexSettings, StreamSettings
from streams.similarity.descriptor import Descriptor, moves
from streams.testing import SENSORS, SyntheticWorld
from tests.support.recorded import small_settings
from tests.support.workers import Farm
from trainer.learner import Learner
from trainer.settings import SofteningSettings
from trainer.step.softening import softening_of

# Nodes with gravity only and nodes with a gyroscope only; nobody has what the world is bound by elsewhere.
WORLD = SyntheticWorld(n_sources=6, n_classes=4, n_complete=1, held_out=1, seed=3)
N_SLOTS = 24
SMALL = small_settings(cycle_bindings=48, steps_per_cycle=4)
TEXTS = ("walking upstairs", "sitting", "Cycling", "clap hands")


class LabelWorld(SyntheticWorld):
    """The same, for who makes settings and topics of a world."""

    def settings(self, **sections: object) -> StreamSettings:
        """Settings for a worker in this world; `sections` replace whole sections."""
        return settings(**sections)  # type: ignore[arg-type]


def windows(name: Callable[[SensorWindow], Label | None] = lambda one: one.label) -> list[SensorWindow]:
    """What the nodes send, labelled as `name` says; held-out nodes have both sensors."""
    sent = []
    for one in WORLD.windows(N_SLOTS):
        if one.modality != WORLD.shared:
            sent.append(msgspec.structs.replace(one, label=name(one)))
    return sent


def as_text(one: SensorWindow) -> Label:
    assert isinstance(one.label, int)
    return TEXTS[one.label]


def settings(kind: LabelKind = "exact", **sections: object) -> StreamSettings:
    known = WORLD.settings().model_dump()
    del known["modalities"][WORLD.shared], known["binding"], known["index"]
    return StreamSettings.model_validate(known | {"shared_modality": LABEL, "labels": {"kind": kind}, **sections})


def bound(given: Sequence[SensorWindow], with_: StreamSettings, piece: int = 1000) -> Bound:
    pipeline, whole = Pipeline(with_), Bound([], [])
    for start in range(0, len(given), piece):
        whole += pipeline.feed(given[start : start + piece])
    return whole + pipeline.flush() + pipeline.review()


def edges(result: Bound) -> Iterator[tuple[Sample, Sample, Binding]]:
    samples = {one.sample_id: one for one in result.samples}
    for binding in result.bindings:
        for partner in binding.partners:
            yield samples[binding.sample_id], samples[partner.sample_id], binding


def recordings() -> Recordings:
    """The same windows to replay."""
    specs = [spec for spec in SENSORS if spec.name != WORLD.shared]
    return restrict(arrange("world", specs, windows()), hold_out=WORLD.held_out, shared=LABEL)


def loop_over(some: Recordings, folder: Path) -> Loop:
    loop = Loop(ReplayPlan(some).settings().model_copy(update={"trainer": SMALL}), Registry(str(folder)))
    loop.replay(some.visible)
    return loop


def likeness(kind: LabelKind, one: Label, other: Label) -> float:
    made = LabelWindows(kind)
    rows = np.stack([made(one, "a@1"), made(other, "b@2")])
    return float(label_likeness(rows / LABEL_SCALING.scale)[0, 1])


def test_equal_labels_are_alike_and_others_are_not() -> None:
    assert likeness("exact", "walk", "walk") == pytest.approx(1)
    assert likeness("exact", 7, 7) == pytest.approx(1)
    names = [f"class {number}" for number in range(60)]
    others = [likeness("exact", one, other) for one in names for other in names if one != other]
    assert max(others) < 0.45


def test_texts_are_alike_as_far_as_they_have_words_in_common() -> None:
    related = likeness("text", "walking upstairs", "walking downstairs")
    assert 0.5 < related < 0.9
    assert likeness("text", "walking upstairs", "sitting") < 0.4
    assert likeness("text", "Walking_Upstairs", "walking upstairs!") == pytest.approx(1)
    assert likeness("text", "walkingUpstairs", "walking upstairs") == pytest.approx(1)


def test_numbers_are_exact_in_either_kind() -> None:
    assert likeness("text", 17, 7) < 0.45
    assert likeness("text", "17", "117") < 0.45
    assert likeness("text", 17, "17") == pytest.approx(1)


def test_a_window_is_the_same_in_every_process() -> None:
    window = LabelWindows("text")("walking", "node@1")
    assert window.shape == (1, LABEL_SPEC.n_channels)
    assert window.dtype == np.float32
    assert np.linalg.norm(window) == pytest.approx(np.sqrt(LABEL_SPEC.n_channels))
    np.testing.assert_allclose(window[0, [0, 1, -1]], (-0.228, -0.68401, -0.36996), atol=1e-5)
    np.testing.assert_array_equal(window, LabelWindows("text")("walking", "node@1"))


def test_a_window_suits_the_descriptor_and_the_binder() -> None:
    made = LabelWindows("exact")
    rows = np.stack([made("walk", "a@1"), made("walk", "b@7"), made("sit", "c@3")])
    assert moves(rows).all()
    described = Descriptor(LABEL_SPEC)(rows)
    cosines = described @ described.T
    assert 0.8 < cosines[0, 1] < 1 - 1e-3
    assert cosines[0, 2] < 0.45


def test_what_is_learned_sees_the_label_and_not_whose_it_is() -> None:
    made = LabelWindows("exact")
    one, other = (LABEL_SCALING.apply(made("walk", name)) for name in ("a@1", "b@7"))
    np.testing.assert_allclose(one, other, atol=1e-6)


def test_pairs_are_right_and_all_who_can_be_are_bound() -> None:
    result = bound(windows(), settings())
    found = list(edges(result))
    assert found
    assert all(one.label == other.label and one.source_id != other.source_id for one, other, _ in found)
    latest = {one.sample_id: one for one in result.bindings}
    assert {one.outcome for one in latest.values()} == {"bound", "held-out"}


def test_a_label_that_nobody_else_has_is_left_alone() -> None:
    rare = WORLD.sources[2]
    given = windows(lambda one: f"rare {one.label}" if one.source_id == rare else one.label)
    result = bound(given, settings())
    outcomes = {one.outcome for one in result.bindings if one.sample_id.startswith(rare)}
    assert outcomes == {"alone"}
    assert rare not in {other.source_id for _, other, _ in edges(result)}


def test_equal_labels_are_not_all_bound_to_the_same_few() -> None:
    result = bound(windows(), settings(binding={"review_samples": 0}))
    used = {other.sample_id for _, other, _ in edges(result)}
    assert len(used) > 0.9 * 5 * (N_SLOTS - 4)


def test_related_texts_bind_softly() -> None:
    """Half of the nodes have another word for a class; one class has the same words, two no relation."""
    other_words = {"walking upstairs": "walking downstairs", "sitting": "typing", "clap hands": "clap one hand"}

    def named(one: SensorWindow) -> Label:
        text = TEXTS[int(one.label or 0)]
        return other_words.get(text, text) if one.source_id in WORLD.sources[3:] else text

    result = bound(windows(named), settings("text"))
    weights: dict[tuple[str, str], float] = {}
    samples = {one.sample_id: one for one in result.samples}
    for binding in result.bindings:
        for partner in binding.partners:
            pair = str(samples[binding.sample_id].label), str(samples[partner.sample_id].label)
            weights[pair] = weights.get(pair, 0) + partner.probability
            assert (partner.similarity > 0.75) == (pair[0] == pair[1])
    assert ("walking upstairs", "walking downstairs") in weights
    assert 0 < weights["walking upstairs", "walking downstairs"] < 0.5 * weights["walking upstairs", "walking upstairs"]
    assert not any({"sitting", "typing"} & set(pair) and pair[0] != pair[1] for pair in weights)


def test_a_sample_without_a_label_is_not_bound() -> None:
    silent = WORLD.sources[4]
    result = bound(windows(lambda one: None if one.source_id == silent else one.label), settings())
    assert {one.outcome for one in result.bindings if one.sample_id.startswith(silent)} == {"no-shared-modality"}
    assert not any(LABEL in one.windows for one in result.samples if one.source_id == silent)


def test_what_is_held_out_has_no_label_to_bind_or_learn_by() -> None:
    result = bound(windows(), settings())
    held_out = [one for one in result.samples if one.held_out]
    assert len(held_out) == N_SLOTS
    assert not any(LABEL in one.windows for one in held_out)
    assert not any(one.held_out or other.held_out for one, other, _ in edges(result))


def test_a_replay_keeps_the_labels_of_those_who_bind_only() -> None:
    seen = list(as_seen(windows(), settings()))
    labelled = {one.source_id for one in seen if one.label is not None}
    assert labelled == set(WORLD.sources) - set(WORLD.held_out)
    assert all(one.label is None for one in as_seen(windows(), WORLD.settings()))


def test_labels_of_held_out_nodes_change_nothing_but_the_judgement(tmp_path: Path) -> None:
    some = recordings()
    lied = [msgspec.structs.replace(one, label=9) if one.source_id in WORLD.held_out else one for one in some.windows]
    first, second = (
        loop_over(one, tmp_path / str(i)) for i, one in enumerate((some, replace(some, windows=tuple(lied))))
    )
    assert first.bindings == second.bindings
    for name, arrays in first.weights[max(first.weights)].items():
        for key, values in arrays.items():
            np.testing.assert_array_equal(values, second.weights[max(first.weights)][name][key])


def test_it_does_not_matter_how_the_stream_is_cut() -> None:
    assert bound(windows(), settings()).bindings == bound(windows(), settings(), piece=7).bindings


def take(intake: Intake, one: SensorWindow) -> list[Group] | None:
    return intake.take(one, one.modality, one.source_id.encode(), Place(one.modality, 0, one.start_ns), one.start_ns)


def test_a_sample_goes_through_the_log_and_is_known_again() -> None:
    given = windows()[:7]
    intake = Intake(settings())
    groups = [group for one in given for group in take(intake, one) or []] + intake.flush()
    samples = [decode_sample(encode(intake.sample(group))) for group in groups]
    assert [LABEL in one.windows for one in samples] == [not one.held_out for one in samples]
    next_life = Intake(settings())
    for sample in samples:
        next_life.recall(sample)
    assert all(take(next_life, one) is None for one in given)
    # Nobody waits for a window of the label: it comes with the others.
    later = next(one for one in windows()[7:] if one.source_id == given[-1].source_id)
    assert len(take(next_life, later) or []) == 1


def test_a_window_of_the_label_does_not_count_as_one_that_was_sent() -> None:
    labelled = next(one for one in bound(windows(), settings()).samples if LABEL in one.windows)
    assert n_sensor_windows(labelled) == len(labelled.windows) - 1


def test_no_sensor_may_be_called_a_label() -> None:
    known = settings().model_dump(include={"modalities"})["modalities"]
    with pytest.raises(ValueError, match="another name than 'label'"):
        StreamSettings.model_validate({"shared_modality": "gravity", "modalities": {**known, LABEL: known["gravity"]}})


def test_binding_suits_labels_unless_it_was_set() -> None:
    assert settings().binding.learned_share == 0
    assert settings().binding.withhold_after > 10**9
    assert settings(binding={"min_similarity": 0.7}).binding.min_similarity == 0.7
    assert WORLD.settings().binding == BindingSettings()
    assert WORLD.settings().index == IndexSettings()
    assert settings().index.segment_samples >= settings().index.history_samples


def test_the_settings_file_names_the_label_and_no_modality_of_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    modality = "[modalities.acc]\nn_channels = 3\nn_steps = 250\nrate_hz = 50\n"
    file = tmp_path / "mmbind.toml"
    file.write_text(f'shared_modality = "label"\n{modality}[labels]\nkind = "text"\n')
    read = load(file)
    assert (read.labels.kind, set(read.specs), set(read.sensors)) == ("text", {"acc", LABEL}, {"acc"})
    file.write_text(as_toml(read))
    assert load(file).model_dump() == read.model_dump()
    file.write_text(f'shared_modality = "label"\n{modality}[binding]\ndescriptor = "both"\n')
    with pytest.raises(ConfigError, match="descriptor"):
        load(file)


def test_a_trained_version_leaves_the_likeness_of_labels_as_it_is() -> None:
    pipeline = Pipeline(settings())
    pipeline.feed(windows())
    before = pipeline.binder.generation.index.dim
    encoders = {LABEL: lambda rows: np.ones((len(rows), 4), np.float32) / 2}
    pipeline.binder.use(1, encoders)
    assert (pipeline.binder.version, pipeline.binder.generation.index.dim) == (1, before)


def test_negatives_of_the_same_label_are_none_and_related_ones_are_less() -> None:
    made = LabelWindows("text")
    texts = ("walking upstairs", "walking upstairs", "walking downstairs", "clap")
    rows = np.stack([LABEL_SCALING.apply(made(text, f"a@{i}")) for i, text in enumerate(texts)])
    softening = softening_of(LABEL, SofteningSettings())
    shares = np.exp(softening.log_weights(5, np.arange(4), rows))
    assert shares[0, 1] < 1e-5
    assert 0.1 < shares[0, 2] < 0.6
    assert shares[0, 3] > 0.7
    assert (shares[4] == 1).all()
    plain = softening_of(LABEL, SofteningSettings(enabled=False))
    assert not plain.log_weights(4, np.arange(4), rows).any()


def test_no_label_is_embedded_or_tuned_with() -> None:
    specs = {**settings().sensors}
    assert LABEL not in chosen_modalities(specs, [*specs.values(), LABEL_SPEC], ())


def test_a_learner_teaches_sensors_that_share_nothing_but_labels() -> None:
    result = bound(windows(), settings())
    samples = {one.sample_id: one for one in result.samples}
    learner = Learner(settings().specs, LABEL, SMALL)
    for binding in result.bindings:
        learner.admit(binding, samples)
    losses = [loss for _ in range(15) for loss in learner.run_cycle().losses]
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5])
    assert set(learner.trained_modalities) == {"gravity", "gyroscope", LABEL}
    # Windows of a node that was never trained on are named by the nearest label.
    encoders = load_encoders(learner.bundle(version=1, parent=0, created_ns=0))
    names = encoders[LABEL](LabelWindows("exact").scaled(range(4)))
    held_out = [one for one in result.samples if one.held_out]
    rows = encoders["gyroscope"](np.stack([one.scaled("gyroscope") for one in held_out]))
    assert np.mean((rows @ names.T).argmax(1) == [one.label for one in held_out]) > 0.5


def test_recordings_are_replayed_by_their_labels(tmp_path: Path) -> None:
    some = recordings()
    loop = loop_over(some, tmp_path)
    finished = loop.finished(some)
    assert (finished.windows_lost, finished.rejects) == (0, 0)
    assert loop.weights
    assert set(loop.weights[max(loop.weights)]) == {"gravity", "gyroscope", LABEL}


def test_worker_and_trainer_bind_and_learn_by_labels_through_a_broker(
    broker: Broker, tmp_path: Path, prefix: str
) -> None:
    nodes = LabelWorld(n_sources=6, n_classes=4, n_complete=1, held_out=1, seed=3)
    trainer = SMALL.model_dump(include={"cycle_bindings", "steps_per_cycle", "batch_pairs", "dim", "width"})
    with Farm(broker, nodes, tmp_path, prefix, trainer=trainer, grace_s=0.5) as farm:
        farm.send(windows())
        farm.start_worker()
        farm.start_trainer()
        farm.wait_for_bindings(6 * N_SLOTS)
        farm.wait(lambda: any((tmp_path / "models").rglob(f"{LABEL}.safetensors")))
        samples = {one.sample_id: one for one in farm.samples()}
        found = [(samples[one.sample_id], samples[to.sample_id]) for one in farm.bindings() for to in one.partners]
        assert found
        assert all(one.label == other.label for one, other in found)
        assert not any(one.held_out or other.held_out for one, other in found)
        assert farm.rejects() == []
