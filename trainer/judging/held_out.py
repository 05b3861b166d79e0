"""Samples kept for evaluation, and what they say of encoders. Performs no I/O and reads no clock."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import permutations

import numpy as np

from encoders.modality import ModalitySpec
from encoders.nets import EncoderFunction
from streams.records import Sample
from trainer.judging.difference import BySample
from trainer.judging.evaluation import evaluate_each, missing_evidence
from trainer.newest_scaling import NewestScaling


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """All figures, those that the gate looks at, and in words what could not be judged.

    The gate looks at retrieval between modalities that no training sample has together, since binding alone can have
    taught it; where there is none, at all of it. Figures of the other pairs are there under `natural/`: they are
    compared where the best so far knows no pair that binding taught the candidate. `by_sample` has what single samples
    have to say of retrieval, by the figure's name among those that the gate looks at.
    """

    figures: dict[str, float]
    judged: dict[str, float]
    missing: tuple[str, ...]
    by_sample: BySample = field(default_factory=dict)

    def with_figure(self, name: str, value: float) -> "Evaluation":
        """The same and one more figure, which the gate looks at."""
        return replace(self, figures=self.figures | {name: value}, judged=self.judged | {name: value})


class HeldOut:
    """The latest held-out samples, at most `max_samples`, each once."""

    def __init__(self, max_samples: int, samples: Sequence[Sample] = ()) -> None:
        self._max_samples = max_samples
        self._samples: dict[str, Sample] = {}
        for sample in samples:
            self.add(sample)

    def __len__(self) -> int:
        return len(self._samples)

    def __contains__(self, sample_id: object) -> bool:
        return sample_id in self._samples

    @property
    def sample_ids(self) -> list[str]:
        """The ids of the samples, the oldest first."""
        return list(self._samples)

    def add(self, sample: Sample) -> None:
        """Keeps a sample; the oldest goes when there are too many."""
        self._samples.setdefault(sample.sample_id, sample)
        if len(self._samples) > self._max_samples:
            del self._samples[next(iter(self._samples))]

    def forget(self, sources: Container[str]) -> int:
        """Lets go of all samples of these sources; how many."""
        gone = [sample_id for sample_id, sample in self._samples.items() if sample.source_id in sources]
        for sample_id in gone:
            del self._samples[sample_id]
        return len(gone)

    def in_newest_units(self) -> list[Sample]:
        """The samples, the oldest first, each in its source's newest units."""
        newest = NewestScaling(self._samples.values())
        return [newest.of(one) for one in self._samples.values()]

    def evaluate(
        self,
        specs: Mapping[str, ModalitySpec],
        weights: Mapping[str, Mapping[str, np.ndarray]],
        natural: set[tuple[str, str]],
        device: str = "cpu",
    ) -> Evaluation:
        """What the samples, each in its source's newest units, say of the encoders with these weights.

        Args:
            specs: Modalities by name.
            weights: By modality; only these are judged.
            natural: Pairs of modalities, the lesser name first, that training samples have together.
            device: Torch's name of it.
        """
        encoders = {name: EncoderFunction(specs[name], arrays, device=device) for name, arrays in weights.items()}
        pairs = [(one, other) for one, other in permutations(sorted(weights), 2)]
        bound = [(one, other) for one, other in pairs if (min(one, other), max(one, other)) not in natural]
        figures, by_sample = evaluate_each(encoders, self.in_newest_units(), pairs)
        starts = tuple(f"retrieval/{one}->{other}/" for one, other in bound)
        judged = {name: value for name, value in figures.items() if name.startswith(("collapse/", *starts))}
        if not any(name.startswith("retrieval/") for name in judged):
            judged = figures
        natural_starts = tuple(f"retrieval/{one}->{other}/" for one, other in pairs if (one, other) not in bound)
        judged = judged | {
            name.replace("retrieval", "natural", 1): value
            for name, value in figures.items()
            if name.startswith(natural_starts)
        }
        by_sample |= {name.replace("retrieval", "natural", 1): each for name, each in by_sample.items()}
        return Evaluation(figures, judged, missing_evidence(figures, bound or pairs), by_sample)
