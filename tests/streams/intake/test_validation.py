"""A window is used as it is meant, or refused with a reason."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoders.modality import ModalitySpec
from streams.intake.validation import MAX_VALUE, NS_PER_S, resampled, validate, year_ns
from streams.messages.rejects import InvalidRecord
from streams.records import SensorWindow

SPEC = ModalitySpec(name="gravity", n_channels=2, n_steps=10, rate_hz=5)
NOW = 1_700_000_000 * NS_PER_S
EARLIEST = year_ns(2000)
GOOD = np.arange(20, dtype=np.float32).reshape(10, 2)


def checked(modality: str = "gravity", key: bytes | None = b"node", **fields: Any) -> SensorWindow:
    window = SensorWindow(**{"source_id": "node", "modality": "gravity", "start_ns": NOW, "values": GOOD, **fields})
    return validate(
        window, modality, key, {"gravity": SPEC}, NOW, earliest_ns=EARLIEST, max_future_s=60, length_tolerance=0.2
    )


def test_a_good_window_passes_untouched() -> None:
    assert checked().values is GOOD


def with_value(value: float) -> np.ndarray:
    values = GOOD.copy()
    values[3, 1] = value
    return values


@pytest.mark.parametrize(
    ("fields", "reason", "field"),
    [
        ({"modality": "gyroscope"}, "unknown-modality", "modality"),
        ({"source_id": "", "key": b""}, "source-id", "source_id"),
        ({"source_id": "x" * 10_000, "key": b"x" * 10_000}, "source-id", "source_id"),
        ({"source_id": "\ud800", "key": b"?"}, "source-id", "source_id"),
        ({"source_id": "node\n2", "key": b"node\n2"}, "source-id", "source_id"),
        ({"source_id": "\x1b[2J", "key": b"\x1b[2J"}, "source-id", "source_id"),
        ({"window_id": "a\u2028b"}, "undecodable", "window_id"),
        ({"key": b"other"}, "key", "source_id"),
        ({"key": None}, "key", "source_id"),
        ({"start_ns": -1}, "time", "start_ns"),
        ({"start_ns": EARLIEST - 1}, "time", "start_ns"),
        ({"start_ns": NOW + 60 * NS_PER_S + 1}, "time", "start_ns"),
        ({"start_ns": 10**30}, "time", "start_ns"),
        ({"values": np.zeros((0, 2), np.float32)}, "empty", "values"),
        ({"values": np.zeros((10, 0), np.float32)}, "empty", "values"),
        ({"values": np.zeros((10, 3), np.float32)}, "shape", "values"),
        ({"values": np.zeros(20, np.float32)}, "shape", "values"),
        ({"values": np.zeros((10, 2, 1), np.float32)}, "shape", "values"),
        ({"values": np.zeros((7, 2), np.float32)}, "shape", "values"),
        ({"values": np.zeros((13, 2), np.float32)}, "shape", "values"),
        ({"values": with_value(np.nan)}, "not-finite", "values"),
        ({"values": with_value(np.inf)}, "not-finite", "values"),
        ({"values": with_value(-np.inf)}, "not-finite", "values"),
        ({"values": with_value(2 * MAX_VALUE)}, "not-finite", "values"),
        ({"window_id": "x" * 300}, "too-large", "window_id"),
        ({"label": "x" * 300}, "too-large", "label"),
        ({"label": 2**63}, "too-large", "label"),
        ({"label": "\ud800"}, "undecodable", "label"),
    ],
)
def test_a_bad_window_is_refused_by_reason_and_field(fields: dict[str, Any], reason: str, field: str) -> None:
    with pytest.raises(InvalidRecord) as refusal:
        checked(**fields)
    assert (refusal.value.reason, refusal.value.field) == (reason, field)
    assert len(refusal.value.detail) < 400


def test_a_topic_of_no_known_modality_is_refused() -> None:
    with pytest.raises(InvalidRecord, match="unknown-modality"):
        checked(modality="compass")


def test_the_detail_names_the_step_and_channel_that_is_not_finite() -> None:
    with pytest.raises(InvalidRecord, match="nan at step 3, channel 1"):
        checked(values=with_value(np.nan))


def test_the_past_and_a_near_future_are_fine() -> None:
    for at in (EARLIEST, NOW + 60 * NS_PER_S):
        assert checked(start_ns=at).start_ns == at


@pytest.mark.parametrize(("ns", "unit"), [(NS_PER_S, "s"), (1_000_000, "ms"), (1_000, "us")])
def test_a_time_in_another_unit_is_refused_and_the_unit_named(ns: int, unit: str) -> None:
    with pytest.raises(InvalidRecord, match=f"in ns since 1970; is this in {unit}\\?"):
        checked(start_ns=NOW // ns)


def test_a_year_begins_at_midnight_in_greenwich() -> None:
    assert year_ns(1971) == 365 * 86_400 * NS_PER_S


@pytest.mark.parametrize("n_steps", [8, 9, 11, 12])
def test_a_length_within_the_tolerance_is_resampled(n_steps: int) -> None:
    ramp = np.linspace([0, 5], [9, 4], n_steps).astype(np.float32)
    values = checked(values=ramp).values
    assert (values.shape, values.dtype) == ((10, 2), np.dtype(np.float32))
    assert values == pytest.approx(np.linspace([0, 5], [9, 4], 10), abs=1e-6)


@given(st.integers(1, 30), st.integers(1, 30))
def test_resampling_keeps_a_constant_and_both_ends(old: int, new: int) -> None:
    assert (resampled(np.full((old, 1), 3.0), new) == 3).all()
    if old > 1 and new > 1:
        assert resampled(np.arange(old)[:, None], new)[[0, -1], 0].tolist() == [0, old - 1]


def test_ids_may_be_of_any_script_and_labels_of_several_lines() -> None:
    key = "Knoten-7 Ä 温度 👨‍👩‍👧"
    assert checked(source_id=key, key=key.encode(), window_id="№ 1", label="a\nb").source_id == key
