"""The data sets as long streams of samples, each in four orders. Performs no I/O but for reading the data."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import msgspec
import numpy as np

from benchmarks.data_sets import MEX, MHEALTH, UTD, WATCH, read_data_set
from benchmarks.learning.data import labelled_samples
from benchmarks.slots import SPACING_S, START_NS
from deploy.recordings.recordings import NS_PER_S, Recordings
from streams.records import Sample

SETS = (UTD, WATCH, MHEALTH, MEX)
# Of each recording of UTD-MHAD, which has few: so long a part of it at least.
N_CROPS, SHORTEST_CROP = 6, 0.7
# So many sources of one kind, on whose share of the samples depends how long the burst is: a third or more of all.
N_MERGED = 3
BURST = "burst"

Stream: TypeAlias = list[Sample]


def samples_of(name: str, seed: int, n_crops: int = N_CROPS) -> tuple[Stream, str]:
    """All samples that are not held out, each as its source sends it, and the modality that binds.

    Those of UTD-MHAD come as so many parts of each; as they are with `n_crops` 1.
    """
    recordings = read_data_set(name)
    hidden = recordings.hidden or _roles(recordings)
    samples = [one for one in labelled_samples(recordings) if one.source_id not in recordings.held_out]
    if name == UTD and n_crops > 1:
        rng = np.random.default_rng([seed, 17])
        samples = [_cropped(one, number, rng) for one in samples for number in range(n_crops)]
    return [_without(one, hidden) for one in samples], recordings.shared


def _roles(recordings: Recordings) -> set[tuple[str, str]]:
    """Of three modalities every other source lacks one of those that do not bind, the rest the other one."""
    others = [name for name in recordings.specs if name != recordings.shared]
    if len(others) < 2:
        return set()
    return {(source, others[place % 2]) for place, source in enumerate(recordings.sources)}


def _cropped(sample: Sample, number: int, rng: np.random.Generator) -> Sample:
    share = rng.uniform(SHORTEST_CROP, 1)
    start = rng.uniform(0, 1 - share)
    windows = {name: _stretched(values, start, share) for name, values in sample.windows.items()}
    return msgspec.structs.replace(sample, sample_id=f"{sample.sample_id}#{number}", windows=windows)


def _stretched(values: np.ndarray, start: float, share: float) -> np.ndarray:
    last = len(values) - 1
    at = np.linspace(start * last, (start + share) * last, len(values))
    return np.stack([np.interp(at, np.arange(len(values)), one) for one in values.T], axis=1).astype(np.float32)


def _without(sample: Sample, hidden: set[tuple[str, str]] | frozenset[tuple[str, str]]) -> Sample:
    kept = {name: values for name, values in sample.windows.items() if (sample.source_id, name) not in hidden}
    return msgspec.structs.replace(sample, windows=kept)


def shuffled(samples: Sequence[Sample], rng: np.random.Generator) -> Stream:
    """One after the other, as drawn."""
    return [samples[place] for place in rng.permutation(len(samples))]


def in_class_blocks(samples: Sequence[Sample], rng: np.random.Generator) -> Stream:
    """All sources at once, each one class after the other, in an order of classes of its own."""
    queues = [_one_class_after_the_other(own, rng) for own in _by_source(samples).values()]
    # A source with fewer samples sends more slowly, so that all end together.
    placed = [
        (place / len(queue), number, one) for number, queue in enumerate(queues) for place, one in enumerate(queue)
    ]
    return [one for _, _, one in sorted(placed, key=lambda each: each[:2])]


def person_after_person(samples: Sequence[Sample], rng: np.random.Generator) -> Stream:
    """One source after the other, each one class after the other."""
    sources = list(_by_source(samples).values())
    return [one for number in rng.permutation(len(sources)) for one in _one_class_after_the_other(sources[number], rng)]


def with_burst(samples: Sequence[Sample], rng: np.random.Generator) -> Stream:
    """Shuffled, but for one node, which uploads a third of all in the end: three sources of one kind made one."""
    kinds: dict[frozenset[str], list[str]] = {}
    for source, own in _by_source(samples).items():
        kinds.setdefault(frozenset(own[0].windows), []).append(source)
    merged = set(max(kinds.values(), key=len)[:N_MERGED])
    rest = [one for one in samples if one.source_id not in merged]
    uploaded = [msgspec.structs.replace(one, source_id=BURST) for one in samples if one.source_id in merged]
    return shuffled(rest, rng) + shuffled(uploaded, rng)


ORDERS: dict[str, Callable[[Sequence[Sample], np.random.Generator], Stream]] = {
    "shuffled": shuffled,
    "class blocks": in_class_blocks,
    "person after person": person_after_person,
    BURST: with_burst,
}


def in_time(samples: Sequence[Sample]) -> Stream:
    """The same with starts that follow each other."""
    step = SPACING_S * NS_PER_S
    return [msgspec.structs.replace(one, start_ns=START_NS + place * step) for place, one in enumerate(samples)]


def _by_source(samples: Sequence[Sample]) -> dict[str, Stream]:
    sources: dict[str, Stream] = {}
    for one in samples:
        sources.setdefault(one.source_id, []).append(one)
    return sources


def _one_class_after_the_other(samples: Sequence[Sample], rng: np.random.Generator) -> Stream:
    labels = sorted({str(one.label) for one in samples})
    place = dict(zip(labels, rng.permutation(len(labels)).tolist(), strict=True))
    return sorted(shuffled(samples, rng), key=lambda one: place[str(one.label)])
