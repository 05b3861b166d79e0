"""Two kinds of nodes that share a sensor, bound as a stream, and people whom nobody saw. Performs no I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from benchmarks.default_settings import stream_settings
from benchmarks.learning.data import labelled_samples
from benchmarks.orders.streams import in_time, shuffled
from deploy.recordings.recordings import Recordings
from streams.binder import Binder
from streams.records import Binding, Label, Sample
from streams.settings import StreamSettings
from trainer.labelling.described import DescribedSample, described
from trainer.labelling.graph import latest

SAMPLES_AT_A_TIME = 64
MOST_FOLDS = 5


@dataclass(frozen=True, slots=True, eq=False)
class Fleet:
    """One fold. `kinds` says by place which of the two kinds of nodes a sample is of, `own` what each has of its own.

    Of two modalities the first kind has the shared one only, and `own[0]` is None.
    """

    settings: StreamSettings
    own: tuple[str | None, str]
    samples: Sequence[Sample]
    described: Sequence[DescribedSample]
    labels: Sequence[Label]
    kinds: np.ndarray
    bindings: Sequence[Binding]
    test: Sequence[Sample]

    @property
    def latest(self) -> Mapping[str, Binding]:
        """The latest Binding of each sample."""
        return latest(self.bindings)

    def few(self, kind: int, n_per_class: int, seed: int) -> dict[str, Label]:
        """So many labels of each class, of nodes of one kind, by sample id; a class that has fewer gives all."""
        rng = np.random.default_rng([seed, kind, n_per_class])
        found: dict[str, Label] = {}
        for label in sorted(set(self.labels), key=str):
            own = [p for p, one in enumerate(self.labels) if one == label and self.kinds[p] == kind]
            found |= {self.samples[own[place]].sample_id: label for place in rng.permutation(len(own))[:n_per_class]}
        return found


def person_of(source_id: str) -> str:
    """The watch recordings have two sources a person: both sides."""
    return source_id.rsplit("-", 1)[0] if source_id.endswith(("-left", "-right")) else source_id


def n_folds(recordings: Recordings) -> int:
    """As many as there are pairs of people, 5 at most."""
    return min(MOST_FOLDS, len({person_of(source) for source in recordings.sources}) // 2)


def fleet_of(recordings: Recordings, fold: int) -> Fleet:
    """The fold in which some people are left out; the rest are in turns of the two kinds."""
    people = sorted({person_of(source) for source in recordings.sources})
    n = n_folds(recordings)
    settings, shared = stream_settings(recordings), recordings.shared
    others = [name for name in recordings.specs if name != shared]
    own = (others[0] if len(others) > 1 else None, others[-1])
    kept: list[set[str | None]] = [{shared, own[0]}, {shared, own[1]}]
    bound = [person for place, person in enumerate(people) if place % n != fold]
    kind_of = {person: place % 2 for place, person in enumerate(bound)}
    samples = labelled_samples(recordings)
    shown = [
        _with(one, kept[kind_of[person_of(one.source_id)]]) for one in samples if person_of(one.source_id) in kind_of
    ]
    stream = in_time(shuffled(shown, np.random.default_rng([fold, 3])))
    binder = Binder(settings)
    sent: list[Binding] = []
    for start in range(0, len(stream), SAMPLES_AT_A_TIME):
        sent += binder.observe([_unlabelled(one) for one in stream[start : start + SAMPLES_AT_A_TIME]])
    return Fleet(
        settings=settings,
        own=own,
        samples=[_unlabelled(one) for one in stream],
        described=described(stream, settings.specs),
        labels=[one.label for one in stream if one.label is not None],
        kinds=np.array([kind_of[person_of(one.source_id)] for one in stream]),
        bindings=[*sent, *binder.review()],
        test=[one for one in samples if person_of(one.source_id) not in kind_of],
    )


def _with(sample: Sample, modalities: set[str | None]) -> Sample:
    windows = {name: values for name, values in sample.windows.items() if name in modalities}
    return msgspec.structs.replace(sample, windows=windows)


def _unlabelled(sample: Sample) -> Sample:
    return msgspec.structs.replace(sample, label=None)
