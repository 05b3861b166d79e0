"""Raw windows of a node: scaled as the stream tells, or else by what came here."""

import threading
from collections.abc import Iterator

import numpy as np
import pytest

from encoders.scaling import RobustScaler, Scaling, fit_scaling
from streams.messages.codec import encode
from streams.models import node_scalings
from streams.models.log import MemoryModelLog, ModelRecord
from streams.models.node_scalings import NodeScalings, no_records
from streams.models.raw import SCALING_WINDOWS, RawScaler
from streams.records import NodeScaling
from tests.support.following import loaded
from tests.support.models import windows
from tests.support.waiting import wait_until

MODEL = loaded(1)
RAW = {name: 3 * values + 7 for name, values in windows(6).items()}
SCALING = fit_scaling(RAW["gyroscope"] + 1)


def record(source_id: str = "a", scaling: Scaling = SCALING) -> tuple[bytes, bytes]:
    value = encode(NodeScaling(source_id=source_id, modality="gyroscope", scaling=scaling))
    return f"{source_id}/gyroscope".encode(), value


def test_a_node_that_the_stream_knows_is_scaled_as_it_says() -> None:
    log = MemoryModelLog()
    log.append(*record())
    found = RawScaler(NodeScalings(log.records))("a", RAW, MODEL)
    assert found.scaled_by == {"gyroscope": "stream", "gravity": "own"}
    np.testing.assert_array_equal(found.scaling["gyroscope"].center, SCALING.center)
    np.testing.assert_array_equal(found.windows["gyroscope"], RAW["gyroscope"])


def test_a_node_never_seen_is_scaled_as_ingest_would() -> None:
    scaler, ingest = RawScaler(NodeScalings(no_records)), RobustScaler(SCALING_WINDOWS)
    for window in RAW["gyroscope"]:
        found = scaler("b", {"gyroscope": window}, MODEL)
        expected = ingest.update(window)
        assert found.scaled_by == {"gyroscope": "own"} and found.windows["gyroscope"].shape == (1, *window.shape)
        np.testing.assert_array_equal(found.scaling["gyroscope"].scale, expected.scale)
    other = scaler("c", {"gyroscope": RAW["gyroscope"]}, MODEL).scaling["gyroscope"]
    np.testing.assert_array_equal(other.center, expected.center)


def test_the_stream_is_asked_again_with_each_call() -> None:
    log = MemoryModelLog()
    stream = NodeScalings(log.records)
    scaler, gyroscope = RawScaler(stream), {"gyroscope": RAW["gyroscope"]}
    assert scaler("a", gyroscope, MODEL).scaled_by == {"gyroscope": "own"}
    log.append(*record())
    wait_until(lambda: scaler("a", gyroscope, MODEL).scaled_by == {"gyroscope": "stream"}, 30)
    log.append(b"a/gyroscope", None)
    wait_until(lambda: scaler("a", gyroscope, MODEL).scaled_by == {"gyroscope": "own"}, 30)
    # What came here before the stream knew it is forgotten.
    assert scaler("a", {"gyroscope": RAW["gyroscope"][0]}, MODEL).scaling["gyroscope"].n_windows == 7
    stream.stop()


def test_a_scaling_of_another_sensor_is_not_used() -> None:
    log = MemoryModelLog()
    log.append(*record(scaling=fit_scaling(np.ones((2, 4, 5), np.float32))))
    assert RawScaler(NodeScalings(log.records))("a", RAW, MODEL).scaled_by["gyroscope"] == "own"


def test_what_is_no_scaling_is_passed_over() -> None:
    log = MemoryModelLog()
    dead = Scaling(center=np.zeros(3, np.float32), scale=np.zeros(3, np.float32), n_windows=40)
    for value in (b"\xc1", record("b", dead)[1], record()[1]):
        log.append(b"\xff", value)
    stream = NodeScalings(log.records)
    assert stream.of("a", "gyroscope") is not None and stream.of("b", "gyroscope") is None


def test_nobody_waits_for_a_stream_that_says_nothing_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(stop: threading.Event) -> Iterator[ModelRecord | None]:
        stop.wait()
        yield from ()

    monkeypatch.setattr(node_scalings, "ANSWER_S", 0.0)
    stream = NodeScalings(silent)
    assert stream.of("a", "gyroscope") is None
    stream.stop()


def test_a_stream_that_cannot_be_followed_is_one_that_says_nothing() -> None:
    def broken(stop: threading.Event) -> Iterator[ModelRecord | None]:
        raise RuntimeError("no")

    assert NodeScalings(broken).of("a", "gyroscope") is None


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"radar": RAW["gyroscope"]}, r"version 1 has encoders for \['gravity', 'gyroscope'\], not for 'radar'"),
        (
            {"gyroscope": RAW["gyroscope"][0].T},
            r"shape \(3, 32\), wanted \(32, 3\) or \(N, \*\(32, 3\)\)",
        ),
        ({"gyroscope": RAW["gyroscope"][:0]}, r"shape \(0, 32, 3\)"),
        ({"gyroscope": RAW["gyroscope"] * np.nan}, "'gyroscope' hold a number that is not finite"),
        ({"gyroscope": RAW["gyroscope"], "gravity": RAW["gravity"][0]}, "'gravity': 1}, wanted as many of each"),
    ],
)
def test_what_does_not_fit_is_refused_and_does_not_count(given: dict[str, np.ndarray], told: str) -> None:
    scaler = RawScaler(NodeScalings(no_records))
    with pytest.raises(ValueError, match=told):
        scaler("a", given, MODEL)
    assert scaler("a", {"gyroscope": RAW["gyroscope"][0]}, MODEL).scaling["gyroscope"].n_windows == 1
