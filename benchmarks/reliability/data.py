"""The streams whose pairs are judged: recordings as they are, and with sensors that are rotated, noise, or missing."""

import os
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from benchmarks.fleet.disorders import all_rotated
from benchmarks.learning.data import N_ROTATIONS, UTD_FILE, rotated
from deploy.recordings.files import read_recordings
from deploy.recordings.recordings import NS_PER_S, Recordings, arrange
from deploy.recordings.utd import resampled
from deploy.recordings.watch import watch_recordings
from encoders.modality import ModalitySpec
from streams.records import SensorWindow

MEX_FILE, MHEALTH_FILE = "mex_acc_depth.npz", "mhealth_chestacc_wristgyro.npz"
MEX_S, MEX_STEPS = 5, 200
MHEALTH_S, MHEALTH_STEPS = 2, 100
# How the names of streams end in which something is wrong.
ROTATED, NOISE, NOISY_WITNESS, NO_WITNESS = "rotated", "noise", "noisy witness", "no witness"


class Stream(NamedTuple):
    """Recordings of a data set, and what was done to them."""

    data: str
    name: str
    recordings: Recordings


def find_streams(chosen: frozenset[str] = frozenset(), seeds: int = 1) -> Iterator[Stream]:
    """All that can be found, or those of some data sets: the watch, and others where MMBIND_TEST_DATA names a folder.

    Args:
        chosen: Names of data sets; none means all.
        seeds: Draws of rotations and of noise.
    """
    if not chosen or "watch" in chosen:
        watch = watch_recordings()
        yield from _with_troubles("watch", "watch", watch, seeds)
        yield Stream("watch", f"watch {NOISY_WITNESS}", with_noise(watch, 0, set(watch.specs) - {watch.shared}))
        yield Stream("watch", f"watch {NO_WITNESS}", _only_shared(watch))
    folder = os.environ.get("MMBIND_TEST_DATA")
    if folder is None:
        print("MMBIND_TEST_DATA is not set: UTD-MHAD, MHEALTH and MEx are left out")
        return
    if not chosen or "utd" in chosen:
        utd = read_recordings(Path(folder) / UTD_FILE)
        for roles in range(N_ROTATIONS):
            yield from _with_troubles("utd", f"utd {roles}", rotated(utd, roles).stream("random", 0), seeds)
    if not chosen or "mhealth" in chosen:
        mhealth = read_mhealth(Path(folder) / MHEALTH_FILE)
        yield Stream("mhealth in order", "mhealth in order", mhealth)
        yield from _with_troubles("mhealth", "mhealth", shuffled(mhealth, 0), seeds)
    if not chosen or "mex" in chosen:
        yield from _with_troubles("mex", "mex", read_mex(Path(folder) / MEX_FILE), seeds)


def _with_troubles(data: str, name: str, recordings: Recordings, seeds: int) -> Iterator[Stream]:
    yield Stream(data, name, recordings)
    for seed in range(seeds):
        draw = f" {seed}" if seeds > 1 else ""
        yield Stream(data, f"{name}{draw} {ROTATED}", with_rotations(recordings, seed))
        yield Stream(data, f"{name}{draw} {NOISE}", with_noise(recordings, seed))


def with_rotations(recordings: Recordings, seed: int) -> Recordings:
    """Every source wears the sensor that binds at an angle of its own."""
    turned = all_rotated(recordings.windows, recordings.shared, np.random.default_rng([seed, 11]))
    return replace(recordings, windows=tuple(turned))


def with_noise(recordings: Recordings, seed: int, modalities: Collection[str] = ()) -> Recordings:
    """Some sensors tell nothing, or else the one that binds: white noise."""
    rng, noisy = np.random.default_rng([seed, 13]), modalities or {recordings.shared}
    return replace(
        recordings,
        windows=tuple(
            msgspec.structs.replace(one, values=rng.standard_normal(one.values.shape).astype(np.float32))
            if one.modality in noisy
            else one
            for one in recordings.windows
        ),
    )


def _only_shared(recordings: Recordings) -> Recordings:
    kept = tuple(one for one in recordings.windows if one.modality == recordings.shared)
    return replace(recordings, windows=kept, specs={recordings.shared: recordings.specs[recordings.shared]})


def hop_of(recordings: Recordings) -> float:
    """The time from one slot to the next; in random order that is less than from one sample of a source to its next."""
    starts = sorted({window.start_ns for window in recordings.windows})
    return float(np.median(np.diff(starts))) / NS_PER_S


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
        windows += _windows(f"subject-{subject}", slot * MHEALTH_S, values, label)
    rate_hz = MHEALTH_STEPS / MHEALTH_S
    specs = [
        ModalitySpec(name=name, n_channels=3, n_steps=MHEALTH_STEPS, rate_hz=rate_hz) for name in ("acc", "gyroscope")
    ]
    return arrange("mhealth", specs, windows, shared="acc")


def _windows(source_id: str, start_s: int, values: dict[str, np.ndarray], label: int) -> list[SensorWindow]:
    start_ns = start_s * NS_PER_S
    return [
        SensorWindow(source_id=source_id, modality=name, start_ns=start_ns, values=np.array(one, "f4"), label=label)
        for name, one in values.items()
    ]
