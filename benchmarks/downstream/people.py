"""Who streams without labels, who gives labels, and on whom it is judged: every person is judged on in one rotation.

Performs no I/O and reads no clock.
"""

from dataclasses import dataclass, replace

import numpy as np

from benchmarks.data_sets import WATCH
from benchmarks.learning.data import labelled_samples
from benchmarks.slots import by_sample, in_slots
from deploy.recordings.recordings import Recordings, arrange
from streams.records import Sample
from trainer.newest_scaling import NewestScaling

N_ROTATIONS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Rotation:
    """One part of the people is judged on, the next one is held out for the gate, all others stream.

    `labelled` are complete samples of all that are not judged on, of whom few give a label; `test` those of the rest.
    Each is in its source's newest units.
    """

    recordings: Recordings
    labelled: tuple[Sample, ...]
    test: tuple[Sample, ...]

    def stream(self, seed: int) -> Recordings:
        """What is sent, without those who are judged on, one sample after the other in an order of the seed."""
        judged = {one.source_id for one in self.test}
        groups = by_sample(one for one in self.recordings.windows if one.source_id not in judged)
        order = np.random.default_rng([seed, 7]).permutation(len(groups))
        sent = in_slots([groups[place] for place in order])
        recordings = arrange(self.recordings.name, self.recordings.specs.values(), sent, self.recordings.shared)
        return replace(recordings, held_out=self.recordings.held_out, hidden=self.recordings.hidden)


def rotated(recordings: Recordings, rotation: int) -> Rotation:
    """The rotation of that number, below `N_ROTATIONS`.

    Where three modalities are there, every other one of those who stream lacks one of the two that do not bind, the
    rest the other one; of two modalities nobody lacks any. Those held out lack the one that binds, if three are there.
    """
    people = sorted({person_of(recordings.name, one) for one in recordings.sources})
    parts = [list(one) for one in np.array_split(np.array(people), N_ROTATIONS)]
    judged, held_out = parts[rotation], parts[(rotation + 1) % N_ROTATIONS]
    others = sorted(set(recordings.specs) - {recordings.shared})
    who = {one: person_of(recordings.name, one) for one in recordings.sources}
    streaming = [one for one in people if one not in (*judged, *held_out)]
    lacks = {one: others[place % len(others)] for place, one in enumerate(streaming)}
    lacks |= dict.fromkeys(held_out, recordings.shared)
    hidden = {(one, lacks[person]) for one, person in who.items() if person in lacks} if len(others) > 1 else set()
    # As `mmbind finetune` has them: what a source sent is past by then, and its scaling has settled.
    on_arrival = labelled_samples(recordings)
    newest = NewestScaling(on_arrival)
    complete = [newest.of(one) for one in on_arrival]
    return Rotation(
        recordings=replace(
            recordings,
            held_out=frozenset(one for one, person in who.items() if person in held_out),
            hidden=frozenset(hidden),
        ),
        labelled=tuple(one for one in complete if who[one.source_id] not in judged),
        test=tuple(one for one in complete if who[one.source_id] in judged),
    )


def person_of(recordings: str, source: str) -> str:
    """Whose the source is: both wrists of the watch recordings are of one person."""
    return source.rpartition("-")[0] if recordings == WATCH else source
