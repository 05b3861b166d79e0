"""What goes wrong in real fleets, done to a stream of windows: each takes a stream and gives what would have come.

Only the shared modality is changed, but where clocks are wrong. A window that is left as it is stays the same object.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from typing import TypeAlias

import msgspec
import numpy as np

from deploy.recordings.recordings import NS_PER_S
from streams.records import SensorWindow

# m/s2 in one g, by definition (CGPM 1901).
STANDARD_GRAVITY = 9.80665
# How bad the disorders are, chosen by hand.
DRIFT = 0.3  # sd of the logarithm of a gain at the end
NOISE = 0.5  # of a source's usual motion
CROPPED_SHARE = 0.3  # of all windows
SHORTEST_CROP, LONGEST_CROP = 0.5, 0.9  # of a window, what is left of it
SOURCE_CLOCK_S = 30.0
SENSOR_CLOCK_S = 5.0

Windows: TypeAlias = Sequence[SensorWindow]
Disorder: TypeAlias = Callable[[Windows, str, np.random.Generator], list[SensorWindow]]
# New values of a window, from 0 at its source's first window to 1 at its last one.
Change: TypeAlias = Callable[[SensorWindow, float], np.ndarray]


def nothing(windows: Windows, shared: str, rng: np.random.Generator) -> list[SensorWindow]:
    """The stream as it is."""
    return list(windows)


def other_units(windows: Windows, shared: str, rng: np.random.Generator) -> list[SensorWindow]:
    """Half of the sources send m/s2 instead of g."""
    return _change(windows, shared, _half(windows, rng), lambda one, _: one.values * STANDARD_GRAVITY)


def gain_drift(windows: Windows, shared: str, rng: np.random.Generator) -> list[SensorWindow]:
    """Each channel's gain drifts its own way, at the end by a factor e^N(0, 0.3)."""
    drifts = {source: rng.normal(0, DRIFT, _n_channels(windows, shared)) for source in _sources(windows)}
    return _change(windows, shared, drifts, lambda one, at: one.values * np.exp(at * drifts[one.source_id]))


def upside_down(windows: Windows, shared: str, rng: np.random.Generator) -> list[SensorWindow]:
    """Half of the sources wear the sensor rotated by 180 degrees: two axes run the other way."""
    rotated = np.array([1.0, -1.0, -1.0])
    return _change(windows, shared, _half(windows, rng), lambda one, _: one.values * rotated)


def axes_swapped(windows: Windows, shared: str, rng: np.random.Generator) -> list[SensorWindow]:
    """Every source has one of the 24 ways in which a box can be mounted."""
    mounted = {source: _mounting(rng) for source in _sources(windows)}
    return _change(windows, shared, mounted, lambda one, _: one.values @ mounted[one.source_id])


def one_rotated(windows: Windows, shared: str, rng: np.random.Generator) -> list[SensorWindow]:
    """One source wears its sensor at any angle."""
    return _rotate(windows, shared, rng, [str(rng.choice(_sources(windows)))])


def all_rotated(windows: Windows, shared: str, rng: np.random.Generator) -> list[SensorWindow]:
    """Every source wears its sensor at an angle of its own."""
    return _rotate(windows, shared, rng, _sources(windows))


def noisy(windows: Windows, shared: str, rng: np.random.Generator) -> list[SensorWindow]:
    """White noise, half as large as each source's usual motion."""
    sizes = defaultdict(list)
    for one in windows:
        if one.modality == shared:
            sizes[one.source_id].append(float(one.values.std(axis=0).mean()))
    usual = {source: NOISE * float(np.median(values)) for source, values in sizes.items()}
    return _change(
        windows, shared, usual, lambda one, _: one.values + usual[one.source_id] * rng.standard_normal(one.values.shape)
    )


def cropped_and_padded(windows: Windows, shared: str, rng: np.random.Generator) -> list[SensorWindow]:
    """Of 30 % of the windows only a part arrives, 50 to 90 %; the rest repeats its last value."""

    def change(values: np.ndarray) -> np.ndarray:
        part = _crop(values, rng)
        return np.concatenate([part, np.repeat(part[-1:], len(values) - len(part), axis=0)])

    return _change_some(windows, shared, rng, change)


def cropped_and_stretched(windows: Windows, shared: str, rng: np.random.Generator) -> list[SensorWindow]:
    """Of 30 % of the windows only a part arrives, 50 to 90 %, stretched to the whole length."""

    def change(values: np.ndarray) -> np.ndarray:
        part = _crop(values, rng)
        at = np.linspace(0, len(part) - 1, len(values))
        return np.stack([np.interp(at, np.arange(len(part)), channel) for channel in part.T], axis=1)

    return _change_some(windows, shared, rng, change)


def source_clocks(windows: Windows, shared: str, rng: np.random.Generator) -> list[SensorWindow]:
    """Each source's clock is up to 30 s wrong."""
    offsets = {source: int(rng.uniform(0, SOURCE_CLOCK_S) * NS_PER_S) for source in _sources(windows)}
    return [msgspec.structs.replace(one, start_ns=one.start_ns - offsets[one.source_id]) for one in windows]


def sensor_clocks(windows: Windows, shared: str, rng: np.random.Generator) -> list[SensorWindow]:
    """Each sensor of a source has a clock of its own, up to 5 s wrong."""
    keys = sorted({(one.source_id, one.modality) for one in windows})
    offsets = {key: int(rng.uniform(0, SENSOR_CLOCK_S) * NS_PER_S) for key in keys}
    return [
        msgspec.structs.replace(one, start_ns=one.start_ns - offsets[one.source_id, one.modality]) for one in windows
    ]


def everything(windows: Windows, shared: str, rng: np.random.Generator) -> list[SensorWindow]:
    """Other units, drift, noise, crops, and every source rotated."""
    stream = list(windows)
    for one in (other_units, gain_drift, noisy, cropped_and_stretched, all_rotated):
        stream = one(stream, shared, rng)
    return stream


# By the name in the table, in its order.
DISORDERS: dict[str, Disorder] = {
    "undisturbed": nothing,
    "half in m/s2": other_units,
    "gains drift": gain_drift,
    "half upside down": upside_down,
    "axes swapped": axes_swapped,
    "one rotated": one_rotated,
    "all rotated": all_rotated,
    "noise": noisy,
    "30 % cropped and padded": cropped_and_padded,
    "30 % cropped and stretched": cropped_and_stretched,
    "clocks of sources": source_clocks,
    "clocks of sensors": sensor_clocks,
    "units + drift + noise + crops + rotated": everything,
}


def _change(windows: Windows, shared: str, sources: Collection[str], change: Change) -> list[SensorWindow]:
    """The stream with the shared windows of some sources changed."""
    counts: dict[str, int] = defaultdict(int)
    for one in windows:
        counts[one.source_id] += one.modality == shared
    seen: dict[str, int] = defaultdict(int)
    changed: list[SensorWindow] = []
    for one in windows:
        if one.modality == shared and one.source_id in sources:
            values = change(one, seen[one.source_id] / max(1, counts[one.source_id] - 1))
            seen[one.source_id] += 1
            one = msgspec.structs.replace(one, values=np.ascontiguousarray(values, np.float32))
        changed.append(one)
    return changed


def _change_some(
    windows: Windows, shared: str, rng: np.random.Generator, change: Callable[[np.ndarray], np.ndarray]
) -> list[SensorWindow]:
    chosen = rng.random(len(windows)) < CROPPED_SHARE
    return [
        msgspec.structs.replace(one, values=np.ascontiguousarray(change(one.values), np.float32))
        if mine and one.modality == shared
        else one
        for one, mine in zip(windows, chosen.tolist(), strict=True)
    ]


def _rotate(windows: Windows, shared: str, rng: np.random.Generator, sources: Sequence[str]) -> list[SensorWindow]:
    rotations = {source: rotation(rng) for source in sources}
    return _change(windows, shared, rotations, lambda one, _: one.values @ rotations[one.source_id])


def rotation(rng: np.random.Generator) -> np.ndarray:
    """A random rotation `[3, 3]`, each as likely as any other."""
    q, r = np.linalg.qr(rng.standard_normal((3, 3)))
    q *= np.sign(np.diag(r))
    q[:, 0] *= np.sign(np.linalg.det(q))
    rotated: np.ndarray = q
    return rotated


def _mounting(rng: np.random.Generator) -> np.ndarray:
    mounted = np.eye(3)[rng.permutation(3)] * rng.choice([-1.0, 1.0], 3)
    mounted[0] *= np.sign(np.linalg.det(mounted))
    rotated: np.ndarray = mounted
    return rotated


def _crop(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    n = max(1, round(len(values) * rng.uniform(SHORTEST_CROP, LONGEST_CROP)))
    first = int(rng.integers(len(values) - n + 1))
    return values[first : first + n]


def _sources(windows: Windows) -> list[str]:
    return sorted({one.source_id for one in windows})


def _half(windows: Windows, rng: np.random.Generator) -> list[str]:
    sources = _sources(windows)
    return [sources[i] for i in rng.permutation(len(sources))[: len(sources) // 2]]


def _n_channels(windows: Windows, shared: str) -> int:
    return next(int(one.values.shape[1]) for one in windows if one.modality == shared)
