"""What the product says of a stream's pairs without labels, next to the truth."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.default_settings import stream_settings
from benchmarks.reliability.data import NO_WITNESS, NOISE, NOISY_WITNESS, ROTATED, Stream, hop_of
from deploy.recordings.recordings import Recordings
from deploy.recordings.truth import Truth, without_labels
from streams.pipeline import Pipeline
from streams.precision.figures import PrecisionEstimate
from streams.settings import StreamSettings

# Of confidence: with five each band of a data set holds more than a hundred pairs.
N_BANDS = 5
TROUBLES = (ROTATED, NOISE, NOISY_WITNESS, NO_WITNESS)


@dataclass(slots=True, eq=False)
class Comparison:
    """One stream: what is said in the end, and whether each of the `n` best partners of latest answers is right.

    `confidence` `[n]` is NaN where there is no estimate; `margin` is how much more similar they were than random pairs.
    """

    data: str
    name: str
    estimate: PrecisionEstimate
    margin: float
    n_withheld: int
    seconds: float
    confidence: np.ndarray
    right: np.ndarray

    @property
    def trouble(self) -> str:
        """What was done to the sensors, if anything."""
        return next((one for one in TROUBLES if self.name.endswith(one)), "")

    @property
    def true(self) -> float:
        """The share of right best partners, NaN if there are none."""
        return float(self.right.mean()) if len(self.right) else float("nan")

    @property
    def is_inside(self) -> bool | None:
        """Whether the truth lies in the interval; None where there is none."""
        one = self.estimate
        return None if one.low is None or one.high is None else one.low <= self.true <= one.high

    def figures(self) -> dict[str, Any]:
        """All of it but the pairs one by one, which are summed up in bands."""
        one, true = self.estimate, None if np.isnan(self.true) else self.true
        return {
            "data": self.data,
            "name": self.name,
            "state": one.state,
            "predicted": one.value,
            "interval": None if one.low is None else [one.low, one.high],
            "true": true,
            "error": None if one.value is None or true is None else one.value - true,
            "margin": self.margin,
            "withheld": self.n_withheld,
            "pairs": len(self.right),
            "seconds": self.seconds,
            "bands": bands_of([self]),
        }


def settings_of(recordings: Recordings, **binding: object) -> StreamSettings:
    """Default settings for recordings, but for what is given of binding."""
    ingest = {"hop_s": hop_of(recordings), "held_out_sources": tuple(sorted(recordings.held_out))}
    return stream_settings(recordings, ingest=ingest, binding=binding)


def compare(stream: Stream, descriptor: str = "auto") -> Comparison:
    """Binds a stream and compares what is said of its latest answers with the truth."""
    recordings = stream.recordings
    settings = settings_of(recordings, descriptor=descriptor)
    pipeline = Pipeline(settings)
    started = time.perf_counter()
    bound = pipeline.feed(without_labels(recordings.visible)) + pipeline.flush()
    latest = [binding for _, binding in (bound + pipeline.review()).latest]
    seconds = time.perf_counter() - started
    labels = Truth(recordings, settings.ingest.hop_s).labels(bound.samples)
    best = [(one.sample_id, one.partners[0]) for one in latest if one.partners]
    return Comparison(
        data=stream.data,
        name=stream.name,
        estimate=pipeline.binder.estimate,
        margin=pipeline.binder.control.margin,
        n_withheld=sum(one.outcome == "withheld" for one in latest),
        seconds=seconds,
        confidence=np.array([np.nan if one.confidence is None else one.confidence for _, one in best], float),
        right=np.array([labels[own] == labels[one.sample_id] for own, one in best], bool),
    )


def bands_of(streams: Sequence[Comparison], n_bands: int = N_BANDS) -> list[dict[str, float]]:
    """Mean confidence and share of right pairs of all these streams, in bands of equal numbers."""
    if not streams:
        return []
    confidence, right = (np.concatenate([getattr(one, name) for one in streams]) for name in ("confidence", "right"))
    known = np.flatnonzero(~np.isnan(confidence))
    order = known[np.argsort(confidence[known], kind="stable")]
    return [
        {"predicted": float(confidence[part].mean()), "true": float(right[part].mean()), "n": float(len(part))}
        for part in np.array_split(order, n_bands)
        if len(part)
    ]


def bands_by_data(streams: Sequence[Comparison]) -> dict[str, list[dict[str, float]]]:
    """Bands of each data set, as it is and with rotated sensors, if its streams have an estimate."""
    names = dict.fromkeys((one.data, trouble) for trouble in ("", ROTATED) for one in streams)
    found = {
        f"{data} {trouble}".strip(): bands_of([one for one in streams if (one.data, one.trouble) == (data, trouble)])
        for data, trouble in names
    }
    return {name: bands for name, bands in found.items() if bands}
