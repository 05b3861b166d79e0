"""The streams whose pairs are judged: recordings as they are, and with sensors that are rotated, noise, or missing."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import NamedTuple

import msgspec
import numpy as np

from benchmarks.data_sets import MEX, MHEALTH, UTD, WATCH, read_data_set
from benchmarks.fleet.disorders import all_rotated
from benchmarks.learning.data import N_ROTATIONS, rotated
from benchmarks.slots import by_sample, in_slots
from deploy.recordings.recordings import NS_PER_S, Recordings, arrange

SETS = (WATCH, UTD, MHEALTH, MEX)
# How the names of streams end in which something is wrong.
ROTATED, NOISE, NOISY_WITNESS, NO_WITNESS = "rotated", "noise", "noisy witness", "no witness"


class Stream(NamedTuple):
    """Recordings of a data set, and what was done to them."""

    data: str
    name: str
    recordings: Recordings


def streams_of(name: str, seeds: int = 1) -> Iterator[Stream]:
    """A data set as it is, and with each trouble.

    UTD-MHAD comes in the four rotations of roles of the standard experiment, MHEALTH in its own order too.

    Args:
        name: One of `SETS`, or one that is taken only when asked for.
        seeds: Draws of rotations and of noise.
    """
    recordings = read_data_set(name)
    if name == UTD:
        for roles in range(N_ROTATIONS):
            yield from _with_troubles(name, f"{name} {roles}", rotated(recordings, roles).stream("random", 0), seeds)
        return
    if name == MHEALTH:
        yield Stream(f"{name} in order", f"{name} in order", recordings)
        recordings = shuffled(recordings, 0)
    yield from _with_troubles(name, name, recordings, seeds)
    if name == WATCH:
        witnesses = set(recordings.specs) - {recordings.shared}
        yield Stream(name, f"{name} {NOISY_WITNESS}", with_noise(recordings, 0, witnesses))
        yield Stream(name, f"{name} {NO_WITNESS}", _only_shared(recordings))


def _with_troubles(data: str, name: str, recordings: Recordings, seeds: int) -> Iterator[Stream]:
    yield Stream(data, name, recordings)
    for seed in range(seeds):
        draw = f" {seed}" if seeds > 1 else ""
        yield Stream(data, f"{name}{draw} {ROTATED}", with_rotations(recordings, seed))
        yield Stream(data, f"{name}{draw} {NOISE}", with_noise(recordings, seed))


def with_rotations(recordings: Recordings, seed: int) -> Recordings:
    """Every source wears the sensor that binds at an angle of its own."""
    rotated = all_rotated(recordings.windows, recordings.shared, np.random.default_rng([seed, 11]))
    return replace(recordings, windows=tuple(rotated))


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
    samples = by_sample(recordings.windows)
    places = np.random.default_rng(seed).permutation(len(samples))
    moved = in_slots([samples[i] for i in np.argsort(places)], hop_of(recordings), start_ns=0)
    return arrange(recordings.name, recordings.specs.values(), moved, recordings.shared)
