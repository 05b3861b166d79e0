"""Cross-modal retrieval on held-out sources, and how far two models may differ by chance. Performs no I/O."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import msgspec
import numpy as np

from streams.records import Sample
from trainer.judging.evaluation import Embed, evaluate, retrieval

Encoders: TypeAlias = Mapping[str, Embed]
Figures: TypeAlias = dict[str, dict[str, float]]

# A difference counts when it is larger than so many of its standard errors.
ERRORS_OF_A_DIFFERENCE = 2.0
PREFIX = "retrieval/"


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Mean cmAP of ours less that of a control, with its standard error over recordings of the held-out sources."""

    control: str
    difference: float
    error: float

    @property
    def is_noise(self) -> bool:
        """Whether the difference may well be chance; one whose error is unknown may."""
        return not abs(self.difference) > ERRORS_OF_A_DIFFERENCE * self.error


class RetrievalJudge:
    """Judges encoders on the same samples and modality pairs.

    Args:
        samples: Of sources that took no part in training, labelled as far as labels are known.
        pairs: (query, gallery) modalities.
    """

    def __init__(self, samples: Sequence[Sample], pairs: Sequence[tuple[str, str]]) -> None:
        self._samples = samples
        self.pairs = list(pairs)

    def figures(self, encoders: Encoders) -> Figures:
        """`"gyroscope->gravity": {"cmap": ..., "r_at_1": ..., "mrr": ..., chances ...}` for what can be judged."""
        found: Figures = {}
        usable = {name: encoders[name] for name in sorted({name for pair in self.pairs for name in pair})}
        for key, value in evaluate(usable, self._samples, self.pairs).items():
            if key.startswith(PREFIX):
                pair, figure = key.removeprefix(PREFIX).rsplit("/", 1)
                found.setdefault(pair, {})[figure] = value
        return found

    def difference(self, control: str, ours: Encoders, others: Encoders) -> Difference:
        """How much better ours is; NaN where there are no labels."""
        own, other = self._by_recording(ours), self._by_recording(others)
        deltas = np.array([own[key] - other[key] for key in sorted(own)])
        if len(deltas) < 2:
            return Difference(control=control, difference=float("nan"), error=float("nan"))
        return Difference(
            control=control,
            difference=float(deltas.mean()),
            error=float(deltas.std(ddof=1) / np.sqrt(len(deltas))),
        )

    def _by_recording(self, encoders: Encoders) -> dict[tuple[str, str], float]:
        """Mean cmAP over the modality pairs, by the source and label of the queries."""
        found: dict[tuple[str, str], list[float]] = defaultdict(list)
        for query, gallery in self.pairs:
            asking, searched = self._labelled(query), self._labelled(gallery)
            if not asking or not searched:
                continue
            rows, candidates = _rows(encoders[query], asking, query), _rows(encoders[gallery], searched, gallery)
            labels, groups = _labels(asking), [(sample.source_id, repr(sample.label)) for sample in asking]
            for group in sorted(set(groups)):
                chosen = [row for row, one in enumerate(groups) if one == group]
                if np.isin(labels[chosen], _labels(searched)).any():
                    figures = retrieval(rows[chosen], candidates, labels[chosen], _labels(searched))
                    found[group].append(figures["cmap"])
        return {group: float(np.mean(values)) for group, values in found.items()}

    def _labelled(self, modality: str) -> list[Sample]:
        return [sample for sample in self._samples if modality in sample.windows and sample.label is not None]


def mean_cmap(figures: Figures) -> float:
    """Mean cmAP over the modality pairs; NaN where there is none."""
    values = [one["cmap"] for one in figures.values() if "cmap" in one]
    return float(np.mean(values)) if values else float("nan")


def _rows(embed: Embed, samples: Sequence[Sample], modality: str) -> np.ndarray:
    return embed(np.stack([sample.scaled(modality) for sample in samples]))


def _labels(samples: Sequence[Sample]) -> np.ndarray:
    return np.array([repr(sample.label) for sample in samples])
