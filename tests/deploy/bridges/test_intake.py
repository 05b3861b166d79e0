"""Payloads become windows of nodes and modalities."""

import json
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from deploy.bridges.intake import BridgeIntake
from encoders.modality import ModalitySpec

T0 = 1_700_000_000
SPECS = {
    "accelerometer": ModalitySpec(name="accelerometer", n_channels=3, n_steps=10, rate_hz=10),
    "gyroscope": ModalitySpec(name="gyroscope", n_channels=2, n_steps=10, rate_hz=10, channels=("b", "a")),
    "temperature": ModalitySpec(name="temperature", n_channels=1, n_steps=2, rate_hz=1),
}


class Taken:
    """An intake, and what it sent."""

    def __init__(self) -> None:
        self.windows: list[tuple[str, str, int, np.ndarray]] = []
        self.intake = BridgeIntake(SPECS, 1.0, lambda *window: self.windows.append(window))

    def take(self, document: Any, **named: str) -> None:
        self.intake.take("some/topic", named, json.dumps(document).encode(), T0 * 10**9)

    def sent(self) -> dict[tuple[str, str], list[Any]]:
        self.intake.flush()
        return {(node, modality): values[0].tolist() for node, modality, _, values in self.windows}


def test_samples_of_every_format_are_cut_into_windows() -> None:
    taken = Taken()
    for i in range(11):
        at = T0 + i / 10
        taken.take({"t": at, "values": [1, 2, 3]}, node="plain", modality="acc")
        taken.take({"t": at, "ax": 1, "az": 3, "ay": 2, "a": 4, "b": 5, "battery": 9, "node": "named"})
        taken.take([{"bn": "senml:", "bt": at, "n": "acc_x", "v": 1}, {"n": "acc_y", "v": 2}, {"n": "acc_z", "v": 3}])
        taken.take({"fields": {"z": 3, "y": 2, "x": 1}, "name": "accel", "tags": {"host": "telegraf"}, "timestamp": at})
        taken.take({"t": at, "value": 20.5}, node="one", modality="temperature")
    expected = {(node, "accelerometer"): [1.0, 2.0, 3.0] for node in ("plain", "named", "senml", "telegraf")}
    assert taken.sent() == {**expected, ("named", "gyroscope"): [5.0, 4.0], ("one", "temperature"): [20.5]}
    assert not taken.intake.refused


def test_a_payload_may_hold_many_samples() -> None:
    taken = Taken()
    taken.take({"t": T0, "values": [[i, 0, 0] for i in range(20)]}, node="n", modality="accelerometer")
    assert taken.intake.n_samples == 20
    assert [window[2] for window in taken.windows] == [T0 * 10**9, (T0 + 1) * 10**9]
    assert taken.windows[1][3][:, 0].tolist() == list(range(10, 20))


def test_what_cannot_be_used_is_counted_by_reason_and_stops_nothing() -> None:
    taken = Taken()
    documents: list[Any] = [{"t": 5, "values": [1]}, {"values": [1, 2]}, "no", {"fields": {}, "timestamp": T0}]
    for document in documents:
        taken.take(document, node="n", modality="accelerometer")
    taken.take({"t": T0, "values": [1]}, modality="accelerometer")
    taken.take({"t": T0, "values": [1], "node": "n"})
    taken.take({"t": T0, "battery": 1, "node": "n"})
    reasons = {"time": 1, "shape": 1, "undecodable": 1, "empty": 1, "source-id": 1, "unknown-modality": 2}
    taken.take({"t": T0, "values": [[1, 2, 3]] * 10}, node="n", modality="accelerometer")
    assert taken.intake.refused == reasons
    assert taken.sent() == {("n", "accelerometer"): [1.0, 2.0, 3.0]}


def test_a_window_that_may_not_be_sent_is_counted() -> None:
    def send(*window: Any) -> None:
        raise ValueError("there is no signing key for source 'n'")

    intake = BridgeIntake(SPECS, 1.0, send)
    payload = json.dumps({"t": T0, "values": [[1, 2, 3]] * 10}).encode()
    intake.take("topic", {"node": "n", "modality": "accelerometer"}, payload, T0)
    intake.flush()
    assert (dict(intake.refused), intake.windows.total()) == ({"signature": 1}, 0)


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
OF_SENML, OF_OTHERS = (
    ["n", "v", "bn", "bt", "bv"],
    ["t", "values", "fields", "metrics", "timestamp", "tags", "ax", "node"],
)
KEYS = st.sampled_from([*OF_SENML, *OF_OTHERS])
DOCUMENTS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=15
)


@given(DOCUMENTS)
def test_no_payload_stops_the_bridge(document: Any) -> None:
    taken = Taken()
    taken.take(document, node="n", modality="accelerometer")
    taken.take(document)
