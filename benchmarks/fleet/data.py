"""The streams that are disturbed: two modalities each, everybody has both, in an order drawn anew for each seed."""

import numpy as np

from benchmarks.data_sets import MHEALTH, UTD, WATCH, read_data_set, with_two_modalities
from benchmarks.slots import by_sample, in_slots
from deploy.recordings.recordings import Recordings
from deploy.recordings.watch import GYROSCOPE, SHARED
from streams.records import SensorWindow

SETS = (WATCH, UTD, MHEALTH)
# Of a larger set so many samples are drawn for each seed: a share of them has a standard error of 1.4 points at most.
MAX_SAMPLES = 1200


def read_pair(name: str) -> Recordings:
    """A data set with the modality that binds and one other, nothing hidden and nobody held out."""
    recordings = read_data_set(name)
    shared, other = (SHARED, GYROSCOPE) if name == WATCH else (recordings.shared, "gyroscope")
    return with_two_modalities(recordings, shared, other)


def in_random_order(recordings: Recordings, seed: int) -> list[SensorWindow]:
    """The windows, moved to an order of the samples that is drawn, at most 1,200 of them, one every 10 s."""
    samples = by_sample(recordings.windows)
    order = np.random.default_rng([seed, 7]).permutation(len(samples))[:MAX_SAMPLES]
    return in_slots([samples[i] for i in order])
