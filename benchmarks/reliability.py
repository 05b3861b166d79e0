"""Predicted against true pair precision, online: `python -m benchmarks.reliability [--json FILE] [--picture FILE]`.

Streams recordings through the core with the default settings and generation 0. The estimate reads no label; the truth
comes in afterwards. UTD-MHAD in four rotations (random order, and source after source), MEx and MHEALTH are found
through MMBIND_TEST_DATA; the demo's recordings come with a package.
"""

import argparse
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import msgspec
import numpy as np

from benchmarks.learning_data import N_ROTATIONS, UTD_FILE, rotated
from deploy.recording_files import read_recordings
from deploy.recordings import NS_PER_S, Recordings, arrange
from deploy.replay import described
from deploy.truth import Truth
from deploy.utd import resampled
from deploy.watch import watch_recordings
from encoders.modality import ModalitySpec
from streams.pipeline import Pipeline
from streams.records import SensorWindow
from streams.settings import StreamSettings

N_BANDS = 5
MEX_S, MEX_STEPS = 5, 200


@dataclass(slots=True, eq=False)
class Row:
    """One stream: the estimate at its end beside the truth, and the same for best partners in bands of confidence."""

    name: str
    state: str
    withheld: int
    predicted: float | None
    interval: tuple[float, float] | None
    true: float
    n: int
    seconds: float
    bands: list[dict[str, float]] = field(default_factory=list)

    @property
    def error(self) -> float | None:
        """Predicted minus true."""
        return None if self.predicted is None else self.predicted - self.true


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--picture", type=Path)
    given = parser.parse_args()
    rows = []
    print(f"{'stream':26}{'n':>6}{'withheld':>9}{'true':>8}{'predicted':>11}{'interval':>14}{'error':>8}{'seconds':>9}")
    for name, recordings in streams(given.seeds):
        rows.append(measure(name, recordings))
        print(_line(rows[-1]), flush=True)
    print("\nbest partners of all streams with an estimate, in bands of confidence: predicted, true, pairs")
    for band in _joined_bands(rows):
        print("".join(f"{band[key]:10.3f}" for key in ("predicted", "true")) + f"{band['n']:8.0f}")
    if given.json:
        document = {"streams": [{**asdict(row), "error": row.error} for row in rows], "bands": _joined_bands(rows)}
        given.json.write_text(json.dumps(document, indent=1))
    if given.picture:
        _draw(rows, given.picture)


def streams(n_seeds: int) -> Iterator[tuple[str, Recordings]]:
    """All that can be found."""
    yield "watch", watch_recordings()
    folder = os.environ.get("MMBIND_TEST_DATA")
    if folder is None:
        print("MMBIND_TEST_DATA is not set: the other recordings are left out")
        return
    utd = read_recordings(Path(folder) / UTD_FILE)
    for rotation in range(N_ROTATIONS):
        world = rotated(utd, rotation)
        for seed in range(n_seeds):
            yield f"utd {rotation} random {seed}", world.stream("random", seed)
        yield f"utd {rotation} sources", world.stream("sources", 0)
    yield "mex", read_mex(Path(folder) / "mex_acc_depth.npz")
    mhealth = read_mhealth(Path(folder) / "mhealth_chestacc_wristgyro.npz")
    yield "mhealth", mhealth
    yield "mhealth random", shuffled(mhealth, 0)


def measure(name: str, recordings: Recordings) -> Row:
    """Binds a stream and compares what was predicted with the truth."""
    hop_s = hop_of(recordings)
    settings = StreamSettings.model_validate(
        {
            "modalities": {modality: described(spec) for modality, spec in recordings.specs.items()},
            "shared_modality": recordings.shared,
            "ingest": {"hop_s": hop_s, "held_out_sources": tuple(sorted(recordings.held_out))},
        }
    )
    pipeline = Pipeline(settings)
    started = time.perf_counter()
    bound = pipeline.feed(msgspec.structs.replace(window, label=None) for window in recordings.visible)
    bound += pipeline.flush() + pipeline.review()
    seconds = time.perf_counter() - started
    calibration = pipeline.binder.calibration
    assert calibration is not None, "switched on"
    estimate = calibration.estimate
    labelled = Truth(recordings, hop_s).labelled(bound.samples)
    best = [(one.sample_id, one.partners[0]) for _, one in bound.latest if one.partners]
    right = np.array([labelled[left].label == labelled[right.sample_id].label for left, right in best])
    confidence = np.array([np.nan if one.confidence is None else one.confidence for _, one in best])
    interval = (estimate.low, estimate.high) if estimate.low is not None and estimate.high is not None else None
    true = float(right.mean()) if len(right) else float("nan")
    withheld = sum(one.outcome == "withheld" for _, one in bound.latest)
    bands = reliability(confidence, right)
    return Row(name, estimate.state, withheld, estimate.value, interval, true, len(right), seconds, bands)


def hop_of(recordings: Recordings) -> float:
    """The time from one slot to the next; in random order that is less than from one sample of a source to its next."""
    starts = sorted({window.start_ns for window in recordings.windows})
    return float(np.median(np.diff(starts))) / NS_PER_S


def reliability(confidence: np.ndarray, right: np.ndarray) -> list[dict[str, float]]:
    """Mean confidence and share of right pairs in bands of equal numbers."""
    known = np.flatnonzero(~np.isnan(confidence))
    order = known[np.argsort(confidence[known], kind="stable")]
    return [
        {"predicted": float(confidence[part].mean()), "true": float(right[part].mean()), "n": float(len(part))}
        for part in np.array_split(order, N_BANDS)
        if len(part)
    ]


def read_mex(file: Path) -> Recordings:
    """Thigh acceleration, shared, and a depth camera at 1 Hz, in windows of 5 s."""
    arrays = dict(np.load(file))
    ends = {name: np.cumsum(arrays[f"{name}_len"]) for name in ("acc_thigh", "depth")}
    parts = {
        key: np.split(arrays[key], ends[key.removesuffix("_time")][:-1])
        for key in ("acc_thigh", "acc_thigh_time", "depth", "depth_time")
    }
    windows: list[SensorWindow] = []
    slots: dict[int, int] = {}
    for i, (subject, label) in enumerate(zip(arrays["subject"].tolist(), arrays["label"].tolist(), strict=True)):
        times = [parts["acc_thigh_time"][i], parts["depth_time"][i]]
        last = min((one[-1] if len(one) else 0.0) for one in times)
        for start in np.arange(0, last - MEX_S, MEX_S):
            inside = [(one >= start) & (one < start + MEX_S) for one in times]
            if inside[0].sum() < MEX_STEPS or inside[1].sum() < MEX_S - 1:
                continue
            slot = slots[subject] = slots.get(subject, -1) + 1
            values = {
                "acc": resampled(parts["acc_thigh"][i][inside[0]], MEX_STEPS),
                "depth": resampled(parts["depth"][i][inside[1]], MEX_S),
            }
            windows += _windows(f"subject-{subject}", slot * MEX_S, values, label)
    specs = [
        ModalitySpec(name="acc", n_channels=3, n_steps=MEX_STEPS, rate_hz=MEX_STEPS / MEX_S),
        ModalitySpec(name="depth", n_channels=192, n_steps=MEX_S, rate_hz=1.0),
    ]
    return arrange("mex", specs, windows, shared="acc")


def read_mhealth(file: Path) -> Recordings:
    """Chest acceleration, shared, and a gyroscope at the wrist, in windows of 2 s."""
    arrays = dict(np.load(file))
    windows: list[SensorWindow] = []
    slots: dict[int, int] = {}
    for i, (subject, label) in enumerate(zip(arrays["subject"].tolist(), arrays["label"].tolist(), strict=True)):
        slot = slots[subject] = slots.get(subject, -1) + 1
        values = {"acc": arrays["acc_chest"][i], "gyroscope": arrays["gyro_wrist"][i]}
        windows += _windows(f"subject-{subject}", slot * 2, values, label)
    specs = [ModalitySpec(name=name, n_channels=3, n_steps=100, rate_hz=50.0) for name in ("acc", "gyroscope")]
    return arrange("mhealth", specs, windows, shared="acc")


def shuffled(recordings: Recordings, seed: int) -> Recordings:
    """The same samples in random order of time."""
    keys = sorted({(window.source_id, window.start_ns) for window in recordings.windows})
    order = np.random.default_rng(seed).permutation(len(keys)).tolist()
    hop_ns = round(hop_of(recordings) * NS_PER_S)
    starts = {key: place * hop_ns for key, place in zip(keys, order, strict=True)}
    moved = [
        msgspec.structs.replace(window, start_ns=starts[window.source_id, window.start_ns])
        for window in recordings.windows
    ]
    return arrange(recordings.name, recordings.specs.values(), moved, recordings.shared)


def _windows(source_id: str, start_s: int, values: dict[str, np.ndarray], label: int) -> list[SensorWindow]:
    start_ns = start_s * NS_PER_S
    return [
        SensorWindow(source_id=source_id, modality=name, start_ns=start_ns, values=np.array(one, "f4"), label=label)
        for name, one in values.items()
    ]


def _line(row: Row) -> str:
    predicted = row.state if row.predicted is None else f"{row.predicted:.3f}"
    interval = "" if row.interval is None else f"{row.interval[0]:.2f}..{row.interval[1]:.2f}"
    error = "" if row.error is None else f"{row.error:+.3f}"
    counts = f"{row.name:26}{row.n:6}{row.withheld:9}"
    return f"{counts}{row.true:8.3f}{predicted:>11}{interval:>14}{error:>8}{row.seconds:9.1f}"


def _joined_bands(rows: list[Row]) -> list[dict[str, float]]:
    """The mean over streams, each as heavy as it has pairs."""
    joined = []
    for bands in zip(*(row.bands for row in rows if len(row.bands) == N_BANDS), strict=True):
        n = np.array([band["n"] for band in bands])
        means = {key: float(np.average([band[key] for band in bands], weights=n)) for key in ("predicted", "true")}
        joined.append({**means, "n": float(n.sum())})
    return joined


def _draw(rows: list[Row], file: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.5), layout="constrained")
    colours = {name: f"C{i}" for i, name in enumerate(dict.fromkeys(row.name.split()[0] for row in rows))}
    for row in rows:
        colour, seen = colours[row.name.split()[0]], left.get_legend_handles_labels()[1]
        name = row.name.split()[0]
        if row.predicted is not None and row.interval is not None:
            limits = [[row.predicted - row.interval[0]], [row.interval[1] - row.predicted]]
            left.errorbar(row.true, row.predicted, limits, fmt="o", color=colour, label="" if name in seen else name)
        x, y = ([band[key] for band in row.bands] for key in ("true", "predicted"))
        right.plot(x, y, ".-", color=colour, alpha=0.5)
    for axes, title in ((left, "Streams: estimate and interval"), (right, "Pairs: confidence in five bands")):
        axes.plot([0, 1], [0, 1], color="0.7", lw=1)
        axes.set(xlabel="true share of right pairs", ylabel="predicted", xlim=(0, 1), ylim=(0, 1), title=title)
    left.legend()
    figure.savefig(file, dpi=150)
    plt.close(figure)


if __name__ == "__main__":
    main()
