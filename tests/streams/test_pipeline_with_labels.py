"""Nodes that share no sensor are bound by what their windows are labelled."""

import numpy as np

from streams.labels import LABEL, n_sensor_windows
from streams.pipeline import Pipeline
from streams.records import Label, SensorWindow
from tests.support.label_world import N_SLOTS, WORLD, bound, edges, settings, windows

TEXTS = ("walking upstairs", "sitting", "Cycling", "clap hands")


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


def test_it_does_not_matter_how_the_stream_is_cut() -> None:
    assert bound(windows(), settings()).bindings == bound(windows(), settings(), piece=7).bindings


def test_a_trained_version_leaves_the_likeness_of_labels_as_it_is() -> None:
    pipeline = Pipeline(settings())
    pipeline.feed(windows())
    before = pipeline.binder.generation.index.dim
    encoders = {LABEL: lambda rows: np.ones((len(rows), 4), np.float32) / 2}
    pipeline.binder.use(1, encoders)
    assert (pipeline.binder.version, pipeline.binder.generation.index.dim) == (1, before)


def test_a_window_of_the_label_does_not_count_as_one_that_was_sent() -> None:
    labelled = next(one for one in bound(windows(), settings()).samples if LABEL in one.windows)
    assert n_sensor_windows(labelled) == len(labelled.windows) - 1
