"""A stream in which one modality's first window comes late, and its variants. Performs no I/O and reads no clock.

Two thirds of the sources that are trained on have all modalities but the late one, the others the shared one and the
late one; some are held out, with everything. One sample after the other, in an order drawn for each seed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.learning.data import labelled_samples
from benchmarks.slots import Group, by_sample, in_slots
from deploy.recordings.recordings import Recordings
from streams.records import Sample, SensorWindow

ARMS = ("late", "never", "always")
MEANING = {"late": "it comes late", "never": "it never comes", "always": "it is there from the start"}
# What the sources without the late modality do once it has come.
AFTERWARDS = ("go on", "stop")
# Of the sources that are trained on, and of all sources where the recordings name none to hold out.
LATE_SHARE = 1 / 3
HELD_OUT_SHARE = 1 / 4
# Of the samples of sources that go on: late, but so that some of each are still to come.
SHARE_BEFORE = 0.85


@dataclass(frozen=True, slots=True, eq=False)
class LateStream:
    """Windows in order of time, and the held-out samples with all modalities and labels.

    `early` are the modalities that are there from the start, the shared one first; `n_trained` is the number of
    samples that are not held out.
    """

    windows: tuple[SensorWindow, ...]
    test: tuple[Sample, ...]
    early: tuple[str, ...]
    late: str
    held_out: tuple[str, ...]
    n_trained: int


def late_stream(recordings: Recordings, late: str, arm: str, afterwards: str, seed: int) -> LateStream:
    """The stream of one arm; the arms of a seed have the same samples, "never" and "late" in the same order.

    Where the late modality never comes its sources send the shared one alone.

    Raises:
        ValueError: If there are not two modalities besides the late one, or fewer than four sources.
    """
    early = (recordings.shared, *(name for name in recordings.specs if name not in (recordings.shared, late)))
    if late == recordings.shared or late not in recordings.specs or len(early) < 2:
        known = ", ".join(name for name in recordings.specs if name != recordings.shared)
        raise ValueError(f"late modality {late!r}: wanted one of {known}, and another beside it")
    rng = np.random.default_rng([seed, 13])
    roles = _roles(recordings, rng)
    before, after = _phases(recordings, roles, afterwards, rng)
    if arm == "always":
        before, after = [], _mixed(before + after, rng)
    has = {source: {*early} for source in roles[0]} | {source: {recordings.shared, late} for source in roles[1]}
    not_yet, gone = {late}, {late} if arm == "never" else set[str]()
    chosen = [_kept(group, has.get(group[0].source_id, {*early, late}) - not_yet) for group in before]
    chosen += [_kept(group, has.get(group[0].source_id, {*early, late}) - gone) for group in after]
    return LateStream(
        windows=tuple(in_slots(chosen, recordings.hop_s)),
        test=tuple(one for one in labelled_samples(recordings) if one.source_id in roles[2]),
        early=early,
        late=late,
        held_out=tuple(sorted(roles[2])),
        n_trained=sum(group[0].source_id not in roles[2] for group in before + after),
    )


def _roles(recordings: Recordings, rng: np.random.Generator) -> tuple[set[str], set[str], set[str]]:
    sources = [recordings.sources[i] for i in rng.permutation(len(recordings.sources))]
    held_out = set(recordings.held_out) or set(sources[: round(HELD_OUT_SHARE * len(sources))])
    trained = [one for one in sources if one not in held_out]
    n_late = max(1, round(LATE_SHARE * len(trained)))
    if not held_out or len(trained) <= n_late:
        raise ValueError(f"{len(sources)} sources: wanted at least 4")
    return set(trained[n_late:]), set(trained[:n_late]), held_out


def _phases(
    recordings: Recordings, roles: tuple[set[str], set[str], set[str]], afterwards: str, rng: np.random.Generator
) -> tuple[list[Group], list[Group]]:
    """Samples before the late modality and from then on, each in the order drawn."""
    with_early, with_late, held_out = roles
    ordered = _mixed(by_sample(recordings.windows), rng)
    share = SHARE_BEFORE if afterwards == "go on" else 1.0
    early = [group for group in ordered if group[0].source_id in with_early]
    judged = [group for group in ordered if group[0].source_id in held_out]
    late = [group for group in ordered if group[0].source_id in with_late]
    n_early, n_judged = round(share * len(early)), len(judged) // 2
    before, after = early[:n_early] + judged[:n_judged], early[n_early:] + judged[n_judged:] + late
    return _mixed(before, rng), _mixed(after, rng)


def _kept(group: Group, modalities: set[str]) -> Group:
    return [one for one in group if one.modality in modalities]


def _mixed(groups: Sequence[Group], rng: np.random.Generator) -> list[Group]:
    return [groups[i] for i in rng.permutation(len(groups))]
