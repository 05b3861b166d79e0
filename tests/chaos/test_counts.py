"""That the harness sees what it is there to see."""

import numpy as np

from encoders.scaling import Scaling
from streams.messages.message import Message
from streams.models.channels import ChannelView
from streams.records import Binding, Sample, SensorWindow
from tests.chaos.counts import count
from tests.chaos.reading import Reading
from tests.chaos.sensors import TakenWindow, WindowKey

UNIT = Scaling(center=np.zeros(1), scale=np.ones(1), n_windows=1)
VALUES = np.zeros((2, 1), np.float32)


def sent(*modalities: str, at: int = 0) -> dict[WindowKey, TakenWindow]:
    """What a node sent at one time."""
    windows = [SensorWindow(source_id="n", modality=name, start_ns=at, values=VALUES) for name in modalities]
    return {("n", one.modality, at): TakenWindow(one, one.modality, 0, 0) for one in windows}


def reading(*samples: tuple[str, str], at: int = 0, unbound: str = "") -> Reading:
    """Samples by id and the first letters of their modalities, each with a Binding but one."""
    found = [
        Sample(
            sample_id=name,
            source_id="n",
            start_ns=at,
            windows=dict.fromkeys(modalities, VALUES),
            scaling=dict.fromkeys(modalities, UNIT),
        )
        for name, modalities in samples
    ]
    bindings = [
        Binding(sample_id=one.sample_id, round=0, model_version=0, outcome="alone")
        for one in found
        if one.sample_id != unbound
    ]
    placed = [(Message("samples", 0, number, None, b""), one) for number, one in enumerate(found)]
    return Reading(placed, [(Message("pairs", 0, 0, None, b""), one) for one in bindings], [], ChannelView())


def test_companions_in_one_sample_are_well() -> None:
    counts, examples = count(sent("a", "b"), (), reading(("n@0", "ab")))
    assert (counts.sent, counts.moments) == (2, 1)
    assert counts.lost == counts.duplicated == counts.split == counts.rewritten == counts.unbound == 0
    assert examples == []


def test_a_window_in_no_sample_is_lost_unless_the_fault_took_it() -> None:
    counts, examples = count(sent("a", "b"), (), reading(("n@0", "a")))
    assert (counts.lost, counts.split) == (1, 0)
    assert "b[0]@0" in examples[0]
    assert count(sent("a", "b"), {("n", "b", 0)}, reading(("n@0", "a")))[0].lost == 0


def test_companions_in_two_samples_are_split() -> None:
    assert count(sent("a", "b"), (), reading(("n@0", "a"), ("n@0@b", "b")))[0].split == 1


def test_a_window_in_two_samples_is_duplicated() -> None:
    assert count(sent("a", "b"), (), reading(("n@0", "ab"), ("n@0@b", "b")))[0].duplicated == 1


def test_what_comes_only_with_the_second_sample_of_an_id_is_lost() -> None:
    counts, _ = count(sent("a", "b"), (), reading(("n@0", "a"), ("n@0", "ab")))
    assert (counts.rewritten, counts.lost) == (1, 1)


def test_a_sample_without_a_binding_is_counted() -> None:
    assert count(sent("a"), (), reading(("n@0", "a"), unbound="n@0"))[0].unbound == 1
