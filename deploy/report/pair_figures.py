"""What the pairs of a run are worth once the truth is known: labels come in here, nowhere before. Performs no I/O."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from streams.records import Binding, Label, Sample

# So many edges must carry each of two versions before going from one to the other counts as a swap in a live stream.
EDGES_OF_A_SWAP = 100


@dataclass(frozen=True, slots=True, eq=False)
class PairFigures:
    """Shares are 0..1, or NaN where no bound sample has a label.

    `best` judges each sample's best partner as its last round has it, `on_arrival` as its first one had, `all_partners`
    every partner of the last round by its probability; `chance` is the share of equal labels among all earlier samples
    of other sources. `error` is the standard error of `best` over sources. The arrays have a row for each bound and
    labelled sample in order: whether its best partner was right, whether that of its first round was (NaN where it had
    none), the best partner's similarity and confidence (NaN where unknown), the chance it had, and the model version
    that bound it when it came.
    """

    best: float
    on_arrival: float
    second_half: float
    all_partners: float
    chance: float
    error: float
    right: np.ndarray
    right_on_arrival: np.ndarray
    similarity: np.ndarray
    confidence: np.ndarray
    chances: np.ndarray
    version: np.ndarray


def judge_pairs(bindings: Sequence[Binding], samples: Mapping[str, Sample], labels: Mapping[str, Label]) -> PairFigures:
    """Compares the partners of each sample, as its last round has them, with the truth.

    Args:
        bindings: In the order in which the samples were bound.
        samples: By id.
        labels: Of samples by id; one that is missing is unknown.
    """
    history = _History()
    right, similarity, chances, version, shares, sources, came = [], [], [], [], [], [], []
    confidence: list[float | None] = []
    on_arrival = _right_on_arrival(bindings, labels)
    versions = {binding.sample_id: binding.model_version for binding in first_rounds(bindings)}
    for binding in last_rounds(bindings):
        label, sample = labels.get(binding.sample_id), samples.get(binding.sample_id)
        if label is None or sample is None or binding.outcome not in ("bound", "alone", "withheld"):
            continue
        if binding.partners:
            hits = [labels.get(partner.sample_id) == label for partner in binding.partners]
            probabilities = np.array([partner.probability for partner in binding.partners])
            right.append(hits[0])
            shares.append(float(probabilities @ hits / max(probabilities.sum(), 1e-12)))
            similarity.append(binding.partners[0].similarity)
            confidence.append(binding.partners[0].confidence)
            chances.append(history.chance(sample.source_id, label))
            version.append(versions.get(binding.sample_id, binding.model_version))
            sources.append(sample.source_id)
            came.append(float(on_arrival.get(binding.sample_id, np.nan)))
        history.add(sample.source_id, label)
    hits_array = np.array(right, dtype=bool)
    return PairFigures(
        best=_mean(hits_array),
        on_arrival=_mean(np.array(list(on_arrival.values()))),
        second_half=_mean(hits_array[len(hits_array) // 2 :]),
        all_partners=_mean(np.array(shares)),
        chance=_mean(np.array(chances)),
        error=_error_over(sources, hits_array),
        right=hits_array,
        right_on_arrival=np.array(came, dtype=float),
        similarity=np.array(similarity, dtype=float),
        confidence=np.array(confidence, dtype=float),
        chances=np.array(chances, dtype=float),
        version=np.array(version, dtype=int),
    )


def first_rounds(bindings: Iterable[Binding]) -> list[Binding]:
    """Each sample's first Binding, in order."""
    return [binding for binding in bindings if not binding.round]


def last_rounds(bindings: Iterable[Binding]) -> list[Binding]:
    """Each sample's Binding of the last round, in the order in which the samples came."""
    last: dict[str, Binding] = {}
    for binding in bindings:
        if binding.sample_id not in last or last[binding.sample_id].round <= binding.round:
            last[binding.sample_id] = binding
    return list(last.values())


def _right_on_arrival(bindings: Iterable[Binding], labels: Mapping[str, Label]) -> dict[str, bool]:
    """Of each labelled sample that had a partner when it came, whether the best one was right."""
    best = [(one.sample_id, one.partners[0].sample_id) for one in first_rounds(bindings) if one.partners]
    return {own: labels.get(partner) == labels[own] for own, partner in best if own in labels}


def edges_by_version(bindings: Iterable[Binding]) -> dict[int, int]:
    """How many edges each model version made, each Binding (sample and round) counted once."""
    once = {(binding.sample_id, binding.round): binding for binding in bindings}
    counts: Counter[int] = Counter()
    for binding in once.values():
        counts[binding.model_version] += len(binding.partners)
    return {version: n for version, n in sorted(counts.items()) if n}


def swaps_under_load(edges: Mapping[int, int]) -> int:
    """Swaps that happened while windows flowed: between versions that made enough edges each."""
    return max(0, sum(n >= EDGES_OF_A_SWAP for n in edges.values()) - 1)


class _History:
    """Counts of labels, overall and by source, of the samples so far."""

    def __init__(self) -> None:
        self._all: Counter[Label] = Counter()
        self._own: dict[str, Counter[Label]] = defaultdict(Counter)

    def add(self, source_id: str, label: Label) -> None:
        self._all[label] += 1
        self._own[source_id][label] += 1

    def chance(self, source_id: str, label: Label) -> float:
        own = self._own[source_id]
        others = self._all.total() - own.total()
        return (self._all[label] - own[label]) / others if others else 0.0


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _error_over(sources: Sequence[str], right: np.ndarray) -> float:
    """Standard error of the mean, sources being what was drawn: the windows of one source resemble each other."""
    groups = defaultdict(list)
    for source, hit in zip(sources, right.tolist(), strict=True):
        groups[source].append(hit)
    means = np.array([np.mean(hits) for hits in groups.values()])
    return float(means.std(ddof=1) / np.sqrt(len(means))) if len(means) > 1 else float("nan")
