"""Samples and Bindings that would stop a service are refused, with the field, whoever wrote them."""

from typing import Any

import msgspec
import numpy as np
import pytest

from encoders.scaling import Scaling
from streams.messages.checked import checked_binding, checked_sample
from streams.messages.codec import decode, encode
from streams.messages.rejects import InvalidRecord
from streams.records import Binding, Partner, Sample
from streams.testing import SyntheticWorld

WORLD = SyntheticWorld(n_sources=2)
SAMPLE = next(WORLD.samples(1))
NAME = WORLD.shared
N_CHANNELS = WORLD.specs[NAME].n_channels
PARTNER = Partner(sample_id="b@1", similarity=0.5, probability=1.0, confidence=0.9)
BINDING = Binding(sample_id="a@1", round=0, model_version=0, outcome="bound", partners=(PARTNER,))


def scaled_by(
    center: Any = 0.0, scale: Any = 1.0, n_channels: int = N_CHANNELS, n_windows: int = 1
) -> dict[str, Scaling]:
    row = np.ones(n_channels, np.float32)
    return SAMPLE.scaling | {NAME: Scaling(center=row * center, scale=row * scale, n_windows=n_windows)}


BAD_SAMPLES: dict[str, tuple[dict[str, Any], str]] = {
    "a scaling of five channels": ({"scaling": scaled_by(n_channels=5)}, f"scaling.{NAME}.center"),
    "a scale of 0": ({"scaling": scaled_by(scale=0)}, f"scaling.{NAME}.scale"),
    "a scale of NaN": ({"scaling": scaled_by(scale=np.nan)}, f"scaling.{NAME}.scale"),
    "a negative scale": ({"scaling": scaled_by(scale=-1)}, f"scaling.{NAME}.scale"),
    "an endless center": ({"scaling": scaled_by(center=np.inf)}, f"scaling.{NAME}.center"),
    "a count of windows beyond 64 bits": ({"scaling": scaled_by(n_windows=1 << 70)}, f"scaling.{NAME}.n_windows"),
    "no scaling": ({"scaling": {}}, f"windows.{NAME}"),
    "a start beyond 64 bits": ({"start_ns": 1 << 63}, "start_ns"),
    "a start before 1970": ({"start_ns": -1}, "start_ns"),
    "a lone surrogate in its id": ({"sample_id": "a\ud800"}, "sample_id"),
    "no id": ({"sample_id": ""}, "sample_id"),
    "a line's end in its id": ({"sample_id": "a\n@1"}, "sample_id"),
    "an escape in its source's": ({"source_id": "\x1b[2J"}, "source_id"),
    "an endless source": ({"source_id": "s" * 2000}, "source_id"),
    "a label beyond 64 bits": ({"label": 1 << 70}, "label"),
}
BAD_BINDINGS: dict[str, tuple[dict[str, Any], str]] = {
    "a lone surrogate in its id": ({"sample_id": "a\ud800"}, "sample_id"),
    "a round beyond 64 bits": ({"round": 1 << 63}, "round"),
    "a negative round": ({"round": -1}, "round"),
    "a sequence beyond 64 bits": ({"sequence": 1 << 70}, "sequence"),
    "a partner without id": ({"partners": (msgspec.structs.replace(PARTNER, sample_id=""),)}, "partners.sample_id"),
    "a similarity of NaN": (
        {"partners": (msgspec.structs.replace(PARTNER, similarity=float("nan")),)},
        "partners.similarity",
    ),
    "a negative probability": (
        {"partners": (msgspec.structs.replace(PARTNER, probability=-1.0),)},
        "partners.probability",
    ),
    "a confidence of 2": ({"partners": (msgspec.structs.replace(PARTNER, confidence=2.0),)}, "partners.confidence"),
    "a million partners": ({"partners": (PARTNER,) * 2000}, "partners"),
}


def test_what_our_own_services_write_passes() -> None:
    assert checked_sample(SAMPLE, WORLD.specs) is SAMPLE
    assert checked_binding(BINDING) is BINDING
    assert checked_sample(decode(encode(SAMPLE), Sample), WORLD.specs).sample_id == SAMPLE.sample_id


@pytest.mark.parametrize("name", BAD_SAMPLES)
def test_a_sample_that_cannot_be_used_is_refused_by_field(name: str) -> None:
    changes, field = BAD_SAMPLES[name]
    with pytest.raises(InvalidRecord) as refused:
        checked_sample(msgspec.structs.replace(SAMPLE, **changes), WORLD.specs)
    assert refused.value.field == field


@pytest.mark.parametrize("name", BAD_BINDINGS)
def test_a_binding_that_cannot_be_used_is_refused_by_field(name: str) -> None:
    changes, field = BAD_BINDINGS[name]
    with pytest.raises(InvalidRecord) as refused:
        checked_binding(msgspec.structs.replace(BINDING, **changes))
    assert refused.value.field == field
