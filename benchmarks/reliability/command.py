"""Predicted against true pair precision, without labels and with them.

    python -m benchmarks.reliability [--sets watch,utd,mhealth,mex] [--seeds 1] [--descriptor auto]
        [--json FILE] [--figure FILE]

Streams recordings through the core with the default settings and generation 0. The estimate reads no label; the truth
comes in afterwards. Both are of the last round: of the samples that were asked together at the end. The demo's
recordings come with a package; UTD-MHAD in the four rotations of roles of the standard experiment, MHEALTH and MEx are
found through MMBIND_TEST_DATA. "rotated": each source wears the sensor that binds at an angle of its own; "noise": that
sensor tells nothing; "noisy witness", "no witness": the others tell nothing, or are not there.
"""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.reliability.data import NO_WITNESS, NOISE, NOISY_WITNESS, ROTATED, Stream, find_streams, hop_of
from deploy.recordings.recordings import Recordings
from deploy.recordings.truth import Truth, without_labels
from deploy.replay.plan import described
from streams.pipeline import Pipeline
from streams.precision.figures import PrecisionEstimate
from streams.settings import BindingSettings, StreamSettings

N_BANDS = 5
SETS = ("watch", "utd", "mhealth", "mex")
TROUBLES = (ROTATED, NOISE, NOISY_WITNESS, NO_WITNESS)


@dataclass(slots=True, eq=False)
class Row:
    """One stream: what was said of its last round, and whether each of that round's `n` best partners was right.

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
        """For JSON."""
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


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--seeds", type=int, default=1, help="draws of rotations and of noise")
    parser.add_argument("--descriptor", default="auto", help="binding.descriptor")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--figure", type=Path)
    given = parser.parse_args()
    rows = []
    print(_line("stream", "pairs", "withheld", "true", "predicted", "interval", "error", "margin", "seconds"))
    for stream in find_streams(frozenset(given.sets.split(",")), given.seeds):
        rows.append(measure(stream, given.descriptor))
        print(_row_line(rows[-1]), flush=True)
    _print_summary(rows)
    if given.json:
        document = {"streams": [row.figures() for row in rows], "bands": _bands(rows)}
        given.json.write_text(json.dumps(document, indent=1))
    if given.figure:
        from benchmarks.reliability.figure import draw_reliability

        draw_reliability(rows, given.figure)


def settings_of(recordings: Recordings, **binding: object) -> StreamSettings:
    """Default settings for recordings, but for what is given of binding."""
    return StreamSettings.model_validate(
        {
            "modalities": {name: described(spec) for name, spec in recordings.specs.items()},
            "shared_modality": recordings.shared,
            "ingest": {"hop_s": hop_of(recordings), "held_out_sources": tuple(sorted(recordings.held_out))},
            "binding": BindingSettings.model_validate(binding),
        }
    )


def measure(stream: Stream, descriptor: str = "auto") -> Row:
    """Binds a stream and compares what was said of its last round with the truth."""
    recordings = stream.recordings
    settings = settings_of(recordings, descriptor=descriptor)
    pipeline = Pipeline(settings)
    started = time.perf_counter()
    bound = pipeline.feed(without_labels(recordings.visible)) + pipeline.flush()
    last = pipeline.review()
    seconds = time.perf_counter() - started
    labels = Truth(recordings, settings.ingest.hop_s).labels(bound.samples)
    best = [(one.sample_id, one.partners[0]) for one in last.bindings if one.partners]
    return Row(
        data=stream.data,
        name=stream.name,
        estimate=pipeline.binder.estimate,
        margin=pipeline.binder.control.margin,
        n_withheld=sum(one.outcome == "withheld" for one in last.bindings),
        seconds=seconds,
        confidence=np.array([np.nan if one.confidence is None else one.confidence for _, one in best], float),
        right=np.array([labels[own] == labels[one.sample_id] for own, one in best], bool),
    )


def bands_of(rows: Sequence[Row], n_bands: int = N_BANDS) -> list[dict[str, float]]:
    """Mean confidence and share of right pairs of all these streams, in bands of equal numbers."""
    if not rows:
        return []
    confidence, right = (np.concatenate([getattr(row, name) for row in rows]) for name in ("confidence", "right"))
    known = np.flatnonzero(~np.isnan(confidence))
    order = known[np.argsort(confidence[known], kind="stable")]
    return [
        {"predicted": float(confidence[part].mean()), "true": float(right[part].mean()), "n": float(len(part))}
        for part in np.array_split(order, n_bands)
        if len(part)
    ]


def _print_summary(rows: Sequence[Row]) -> None:
    judged = [row for row in rows if row.is_inside is not None]
    n_inside = sum(row.is_inside is True for row in judged)
    print(f"\n{n_inside} of {len(judged)} true shares lie in the interval of 95 %")
    print(f"\nbest partners in {N_BANDS} bands of confidence: predicted / true / pairs")
    for name, bands in _bands(rows).items():
        cells = (f"{100 * band['predicted']:6.0f} / {100 * band['true']:3.0f} / {band['n']:4.0f}" for band in bands)
        print(f"{name:18}" + "".join(cells))


def _bands(rows: Sequence[Row]) -> dict[str, list[dict[str, float]]]:
    """Of each data set, as it is and with rotated sensors, if they have an estimate."""
    names = dict.fromkeys((row.data, trouble) for trouble in ("", ROTATED) for row in rows)
    found = {
        f"{data} {trouble}".strip(): bands_of([row for row in rows if (row.data, row.trouble) == (data, trouble)])
        for data, trouble in names
    }
    return {name: bands for name, bands in found.items() if bands}


def _row_line(row: Row) -> str:
    one = row.estimate
    interval = "" if one.low is None or one.high is None else f"{100 * one.low:.0f} to {100 * one.high:.0f}"
    return _line(
        row.name,
        str(len(row.right)),
        str(row.n_withheld or ""),
        "-" if np.isnan(row.true) else f"{100 * row.true:.1f}",
        one.state if one.value is None else f"{100 * one.value:.1f}",
        interval + ("" if row.is_inside is not False else " !"),
        "" if one.value is None else f"{100 * (one.value - row.true):+.1f}",
        f"{row.margin:.2f}",
        f"{row.seconds:.1f}",
    )


def _line(name: str, *cells: str) -> str:
    widths = (6, 9, 7, 10, 13, 7, 8, 8)
    return f"{name:22}" + "".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
