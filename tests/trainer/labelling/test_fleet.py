"""Samples, Bindings and labels as they come, in whichever order."""

from typing import Any

import msgspec
import pytest

from streams.binder import Binder
from streams.records import LabelRecord, SampleLabel
from streams.testing import EPOCH_NS, SyntheticWorld
from trainer.labelling.fleet import Fleet, changed

WORLD = SyntheticWorld(n_sources=4, n_classes=3)
SAMPLES = list(WORLD.samples(10))
HOP = WORLD.hop_ns


def fleet(most: int = 1000) -> Fleet:
    return Fleet(WORLD.specs, WORLD.shared, most)


def of_time(first: float, last: float, label: str | None) -> LabelRecord:
    """Of the first node, from one slot to another."""
    times = [EPOCH_NS + round(slot * HOP) for slot in (first, last)]
    return LabelRecord(source_id=WORLD.sources[0], start_ns=times[0], end_ns=times[1], label=label)


def own(slot: int) -> str:
    return SAMPLES[4 * slot].sample_id


def test_a_label_of_a_time_is_of_the_samples_whose_middle_lies_in_it() -> None:
    known = fleet()
    known.take_samples(SAMPLES)
    known.take_labels([of_time(1.4, 3.4, "walks")])
    assert known.given == {own(slot): "walks" for slot in (1, 2)}
    known.take_labels([of_time(3.6, 4.49, "runs")])
    assert own(3) not in known.given and own(4) not in known.given


def test_a_label_may_come_before_its_sample_and_the_last_word_holds() -> None:
    known = fleet()
    known.take_labels([of_time(0, 10, "walks"), LabelRecord(sample_id=own(2), label="runs")])
    known.take_samples(SAMPLES)
    assert [known.given[own(slot)] for slot in (1, 2, 3)] == ["walks", "runs", "walks"]
    known.take_labels([of_time(2, 3, "sits")])
    assert known.given[own(2)] == "sits"


def test_what_was_said_later_holds_in_whichever_order_it_is_read() -> None:
    known = fleet()
    known.take_samples(SAMPLES)
    known.take_labels([LabelRecord(sample_id=own(2), label="later")], at_ms=7)
    known.take_labels([LabelRecord(sample_id=own(2), label="before"), of_time(2, 3, "before")], at_ms=3)
    assert known.given == {own(2): "later"}


def test_a_label_is_taken_back() -> None:
    known = fleet()
    known.take_samples(SAMPLES)
    known.take_labels([of_time(1, 4, "walks"), LabelRecord(sample_id=own(2))])
    assert set(known.given) == {own(1), own(3)}
    known.take_labels([of_time(1, 4, None)])
    assert known.given == {}


def test_labels_are_told_of_all_samples_in_order() -> None:
    known = fleet()
    binder = Binder(WORLD.settings())
    known.take_bindings(binder.observe(SAMPLES))
    known.take_samples(SAMPLES)
    given = {own(slot): SAMPLES[4 * slot].label for slot in range(10)}
    known.take_labels(LabelRecord(sample_id=name, label=label) for name, label in given.items())
    labels = known.labels()
    assert [(one.sample_id, one.source_id, one.start_ns) for one in labels] == [
        (one.sample_id, one.source_id, one.start_ns) for one in SAMPLES
    ]
    assert {one.sample_id for one in labels if one.given} == set(given)
    right = [one.label == sample.label for one, sample in zip(labels, SAMPLES, strict=True)]
    assert sum(right) > 0.8 * len(right)
    # What somebody gave is certain, whatever is asked for.
    assert {one.sample_id for one in known.labels(min_probability=1.0) if one.label is not None} >= set(given)


def test_the_oldest_are_let_go_of_and_so_is_a_forgotten_source() -> None:
    known = fleet(most=12)
    known.take_samples(SAMPLES[:8])
    known.take_samples(SAMPLES[6:20])
    assert len(known) == 12 and known.n_let_go == 8
    assert [one.sample_id for one in known.labels()] == [one.sample_id for one in SAMPLES[8:20]]
    known.forget(WORLD.sources[0])
    assert {one.source_id for one in known.labels()} == set(WORLD.sources[1:])


LABEL = SampleLabel(sample_id="a", source_id="s", start_ns=1, label="walks", probability=0.8)
NEWS: dict[str, dict[str, Any]] = {
    "another label": {"label": "runs"},
    "no longer known": {"label": None, "probability": None},
    "given now": {"given": True},
    "much more probable": {"probability": 0.9},
}


@pytest.mark.parametrize("what", NEWS)
def test_what_is_otherwise_is_told_again(what: str) -> None:
    new = msgspec.structs.replace(LABEL, **NEWS[what])
    assert changed([new], {"a": LABEL}, 0.05) == [new]


def test_what_is_as_it_was_is_not_told_again() -> None:
    little = msgspec.structs.replace(LABEL, probability=0.83)
    assert changed([LABEL, little], {"a": LABEL}, 0.05) == []
    assert changed([LABEL], {"a": LABEL}, 0.0) == []
    assert changed([LABEL], {}, 0.05) == [LABEL]
