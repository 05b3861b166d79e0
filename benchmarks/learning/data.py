"""The standard experiment's data: who has which modality, who binds, who is labelled, who is tested.

UTD-MHAD in the roles of MMBind: with the accelerometer shared, two subjects lack the gyroscope, two the skeleton, two
have few labels and two are for testing; the latter four lack the accelerometer. So gyroscope and skeleton never meet.
With the skeleton shared, gyroscope and accelerometer never meet; with the label shared, the accelerometer is not used.
"""

from collections import defaultdict
from dataclasses import dataclass, replace

import msgspec
import numpy as np

from benchmarks.slots import by_sample, in_slots
from deploy.recordings.recordings import NS_PER_S, Recordings, arrange
from deploy.recordings.truth import SCALING_WINDOWS
from encoders.scaling import RobustScaler
from streams.labels import LABEL, LABEL_SCALING, LabelWindows
from streams.records import Sample

# Eight subjects in the four roles of MMBind; each rotation moves every pair of subjects on by a role.
SOURCES_A_ROLE = 2
N_ROTATIONS = 4


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """One rotation. `first` and `second` are the modalities that never meet; `train` lacks one of them everywhere.

    `complete` holds the same samples as `train` with nothing taken away.
    """

    recordings: Recordings
    first: str
    second: str
    roles: tuple[tuple[str, ...], ...]
    train: dict[str, Sample]
    complete: dict[str, Sample]
    labelled: tuple[Sample, ...]
    test: tuple[Sample, ...]

    @property
    def shared(self) -> str:
        """The modality that binds."""
        return self.recordings.shared

    def stream(self, order: str, seed: int) -> Recordings:
        """The recordings of those who bind, and unlabelled ones of the labelled role held out for the gate.

        Args:
            order: "random", or "sources" for one source after the other, those held out first.
            seed: Of the order, within a source too.
        """
        with_first, with_second, held_out, _ = self.roles
        place = {source: i for i, source in enumerate((*held_out, *with_first, *with_second))}
        groups = by_sample(one for one in self.recordings.windows if one.source_id in place)
        groups = [groups[i] for i in np.random.default_rng([seed, 7]).permutation(len(groups))]
        if order == "sources":
            groups.sort(key=lambda group: place[group[0].source_id])
        stream = arrange(self.recordings.name, self.recordings.specs.values(), in_slots(groups), self.shared)
        hidden = {(source, self.second) for source in with_first} | {(source, self.first) for source in with_second}
        hidden |= {(source, self.shared) for source in held_out}
        return replace(stream, held_out=frozenset(held_out), hidden=frozenset(hidden))


def with_shared(recordings: Recordings, shared: str) -> Recordings:
    """The recordings with another modality that binds; with "label", which no sensor is, without the one that did.

    A modality may be named at greater length than the recordings do: "accelerometer" for "acc".

    Raises:
        ValueError: If there is no such modality.
    """
    if shared == LABEL:
        specs = {name: spec for name, spec in recordings.specs.items() if name != recordings.shared}
        windows = tuple(one for one in recordings.windows if one.modality in specs)
        return replace(recordings, specs=specs, windows=windows, shared=LABEL)
    named = [name for name in recordings.specs if shared.startswith(name)]
    if not named:
        raise ValueError(f"shared {shared!r}: wanted one of {', '.join(recordings.specs)}, {LABEL}")
    return replace(recordings, shared=named[0])


def rotated(recordings: Recordings, rotation: int) -> World:
    """The world in which the sources, in order of their names, have moved on by so many roles.

    Raises:
        ValueError: If there are not three modalities and eight sources.
    """
    others = sorted(set(recordings.specs) - {recordings.shared}, reverse=True)
    n_sources = len(recordings.sources)
    if len(others) != SOURCES_A_ROLE or n_sources != N_ROTATIONS * SOURCES_A_ROLE:
        raise ValueError(f"{len(others)} modalities to bind, {n_sources} sources: wanted 2 and 8 for the four roles")
    first, second = others
    names = recordings.sources
    pairs = [names[i : i + SOURCES_A_ROLE] for i in range(0, n_sources, SOURCES_A_ROLE)]
    roles = tuple(pairs[(rotation + role) % N_ROTATIONS] for role in range(N_ROTATIONS))
    complete = labelled_samples(recordings)
    train = {one.sample_id: one for one in complete if one.source_id in {*roles[0], *roles[1]}}
    lacks = dict.fromkeys(roles[0], second) | dict.fromkeys(roles[1], first)
    return World(
        recordings=recordings,
        first=first,
        second=second,
        roles=roles,
        train={name: without(one, lacks[one.source_id]) for name, one in train.items()},
        complete=train,
        labelled=tuple(without(one, recordings.shared) for one in complete if one.source_id in roles[2]),
        test=tuple(without(one, recordings.shared) for one in complete if one.source_id in roles[3]),
    )


def labelled_samples(recordings: Recordings) -> list[Sample]:
    """All samples with all modalities and labels, each scaled as in the field: by what its source sent so far."""
    scalers: dict[tuple[str, str], RobustScaler] = defaultdict(lambda: RobustScaler(SCALING_WINDOWS))
    hop_ns = round(recordings.hop_s * NS_PER_S)
    samples = [
        Sample(
            sample_id=f"{group[0].source_id}@{round(group[0].start_ns / hop_ns)}",
            source_id=group[0].source_id,
            start_ns=group[0].start_ns,
            windows={one.modality: one.values for one in sorted(group, key=lambda one: one.modality)},
            scaling={one.modality: scalers[one.source_id, one.modality].update(one.values) for one in group},
            label=next((one.label for one in group if one.label is not None), None),
        )
        for group in by_sample(recordings.windows)
    ]
    return [_with_label_window(one) for one in samples] if recordings.shared == LABEL else samples


def _with_label_window(sample: Sample) -> Sample:
    if sample.label is None:
        raise ValueError(f"{sample.sample_id} has no label: wanted one, labels are shared")
    window = LabelWindows("exact")(sample.label, sample.sample_id)
    return msgspec.structs.replace(
        sample, windows={**sample.windows, LABEL: window}, scaling={**sample.scaling, LABEL: LABEL_SCALING}
    )


def without(sample: Sample, modality: str) -> Sample:
    """The sample without that modality."""
    windows = {name: values for name, values in sample.windows.items() if name != modality}
    return msgspec.structs.replace(sample, windows=windows)
