"""Few labels on one kind of nodes tell those of another kind, in a world whose truth is known."""

from collections.abc import Mapping
from functools import cache

import numpy as np
import pytest

from streams.binder import Binder
from streams.records import Binding, Label, Partner, Sample
from streams.testing import SyntheticWorld
from trainer.labelling.described import DescribedSample, described
from trainer.labelling.graph import latest
from trainer.labelling.labelling import Labelling, label_all

WORLD = SyntheticWorld(n_sources=8, n_classes=4, noise=1.2)
N_SLOTS = 30


@cache
def bound() -> tuple[list[Sample], list[DescribedSample], dict[str, Binding]]:
    samples, binder = list(WORLD.samples(N_SLOTS)), Binder(WORLD.settings())
    bindings = latest([*binder.observe(samples), *binder.review()])
    return samples, described(samples, WORLD.specs), bindings


def few(n_per_class: int, sources: tuple[str, ...] = WORLD.sources[::2]) -> dict[str, Label]:
    """Labels of nodes that lack gravity."""
    samples, _, _ = bound()
    found: dict[str, Label] = {}
    for label in range(4):
        own = [one.sample_id for one in samples if one.label == label and one.source_id in sources]
        found |= dict.fromkeys(own[:n_per_class], label)
    return found


def share_right(found: Labelling) -> float:
    """Of nodes that lack the gyroscope, none of which has a label."""
    samples, _, _ = bound()
    places = [place for place, one in enumerate(samples) if one.source_id in WORLD.sources[1::2]]
    best = [found.best(place) for place in places]
    right = [one is not None and one[0] == samples[p].label for one, p in zip(best, places, strict=True)]
    return float(np.mean(right))


def told(given: Mapping[str, Label], bindings: Mapping[str, Binding] | None = None) -> Labelling:
    _, samples, own = bound()
    return label_all(samples, own if bindings is None else bindings, given, WORLD.shared)


def test_one_label_a_class_tells_the_kind_of_nodes_that_had_none() -> None:
    assert share_right(told(few(1))) > 0.8
    assert share_right(told(few(5))) > 0.9


def test_probabilities_are_as_often_right_as_they_say() -> None:
    samples, _, _ = bound()
    found = told(few(5))
    places = [place for place, one in enumerate(samples) if one.source_id in WORLD.sources[1::2]]
    said = float(np.mean([found.probabilities[place].max() for place in places]))
    assert said == pytest.approx(share_right(found), abs=0.1)
    assert np.allclose(found.probabilities.sum(axis=1), 1)


def test_a_label_that_was_given_is_told_as_it_was_given() -> None:
    samples, _, _ = bound()
    given = dict(few(2)) | {samples[0].sample_id: 3 - int(samples[0].label or 0)}
    found = told(given)
    assert all(found.best(p) == (given[one.sample_id], 1.0) for p, one in enumerate(samples) if one.sample_id in given)


def test_where_no_way_leads_nothing_is_known() -> None:
    found = told(few(2), bindings={})
    samples, _, _ = bound()
    # Look-alikes of one kind pass labels on, and pairs alone lead to the other one.
    known = {one.source_id for place, one in enumerate(samples) if found.best(place) is not None}
    assert known == set(WORLD.sources[::2])


def test_pairs_that_are_no_better_than_chance_are_outvoted() -> None:
    samples, _, _ = bound()
    rng = np.random.default_rng(3)
    ids = [one.sample_id for one in samples]

    def anybody() -> Partner:
        return Partner(sample_id=ids[int(rng.integers(len(ids)))], similarity=0.5, probability=0.125)

    wrong = {
        name: Binding(
            sample_id=name,
            round=0,
            model_version=0,
            outcome="bound",
            partners=tuple(anybody() for _ in range(8)),
        )
        for name in ids
    }
    misled, without = told(few(5), wrong), told(few(5), {})
    assert misled.mixture.spread < told(few(5)).mixture.spread
    assert share_right(misled) > share_right(without)


def test_labels_of_one_source_are_left_out_in_turns() -> None:
    found = told(few(5, (WORLD.sources[0],)))
    assert share_right(found) > 0.8


def test_texts_and_numbers_are_different_labels() -> None:
    given: dict[str, Label] = dict(few(4))
    given |= {name: str(label) for name, label in list(given.items())[::2]}
    assert len(told(given).classes) == 8


def test_a_label_that_nobody_gave_is_not_said_and_without_labels_nothing_is() -> None:
    samples, _, _ = bound()
    found = told({})
    assert [found.best(place) for place in range(len(samples))] == [None] * len(samples)
    only = told({name: label for name, label in few(3).items() if label == 2})
    assert {one[0] for place in range(len(samples)) if (one := only.best(place))} == {2}


def test_what_is_less_probable_than_wanted_is_not_known() -> None:
    found = told(few(1))
    place = int(found.probabilities.max(axis=1).argmin())
    label, probability = found.best(place) or (None, 0.0)
    assert label is not None and 0 < probability < 1
    assert found.best(place, probability + 1e-6) is None


def test_samples_without_the_shared_sensor_are_told_by_pairs_alone() -> None:
    _, samples, bindings = bound()
    found = label_all(samples, bindings, few(5), "no-such-sensor")
    assert share_right(found) > 0.8
