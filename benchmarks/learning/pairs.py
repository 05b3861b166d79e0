"""Pairs for the learning benchmark: by the product's binder with everything at hand, and by MMBind's rule."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import msgspec
import numpy as np

from deploy.settings.config import Settings
from streams.arrival.row_vectors import EncoderFunction
from streams.binder import Binder
from streams.records import Binding, Partner, Sample
from trainer.replay.partners import brings_new_pair

# Of the pairs, the surest first, in percent.
COVERAGES = (25, 50, 75)

Encoders: TypeAlias = Mapping[str, EncoderFunction]


class OfflineBinder:
    """All samples at once: each is bound with all of all other sources in the history.

    With the review on, one binder sees them all, then asks all of them again together. With it off, every source in
    turn comes last, to a binder that remembers the others.

    Args:
        samples: Of all sources; none are held out.
        settings: Of binding and of the history.
    """

    def __init__(self, samples: Sequence[Sample], settings: Settings) -> None:
        self._samples, self._settings, self._round = samples, settings, 0
        self.binder = self._new_binder()
        self._has_review = settings.binding.review_samples > 0

    def first_round(self) -> list[Binding]:
        """Bindings of all samples by generation 0, which needs no encoder."""
        if not self._has_review:
            return self._each_last({})
        return [*self.binder.observe(self._samples), *self.binder.review()]

    def round_with(self, encoders: Encoders) -> list[Binding]:
        """Bindings of all samples by trained encoders."""
        if not self._has_review:
            return self._each_last(encoders)
        _swap(self.binder, encoders)
        return self.binder.review()

    def _each_last(self, encoders: Encoders) -> list[Binding]:
        found: dict[str, Binding] = {}
        for source in sorted({one.source_id for one in self._samples}):
            self.binder = self._new_binder()
            self.binder.remember([one for one in self._samples if one.source_id != source])
            _swap(self.binder, encoders)
            own = self.binder.observe([one for one in self._samples if one.source_id == source])
            found |= {one.sample_id: msgspec.structs.replace(one, round=self._round) for one in own}
        self._round += 1
        return [
            msgspec.structs.replace(found[one.sample_id], sequence=i) for i, one in enumerate(self._samples, start=1)
        ]

    def _new_binder(self) -> Binder:
        return Binder(self._settings)


def _swap(binder: Binder, encoders: Encoders) -> None:
    binder.use(binder.version + bool(encoders), encoders)


def alone(samples: Iterable[Sample]) -> list[Binding]:
    """Bindings without partners: what remains are natural edges."""
    return [Binding(sample_id=one.sample_id, round=0, model_version=0, outcome="alone") for one in samples]


def bind_as_mmbind(
    samples: Sequence[Sample], shared: str, is_online: bool = False, vectors: np.ndarray | None = None
) -> list[Binding]:
    """Each sample bound to the one most cosine-similar by its raw shared window that brings a new modality.

    Top-1, no threshold, no exclusivity; the edge's weight `ln(s) / 2 + 1`, never below 0, stands in `similarity`, for
    a trainer whose `edge_weight` is "similarity".

    Args:
        samples: In order.
        shared: The modality that binds.
        is_online: Only earlier samples can be partners.
        vectors: `[N, D]`, what is compared instead of the windows.

    Source: MMBind, arXiv 2411.12126, its rule for UTD-MHAD.
    """
    if vectors is None:
        vectors = np.stack([one.windows[shared].ravel() for one in samples])
    rows = vectors.astype(np.float64)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    similarities = rows @ rows.T
    allowed = np.array([[brings_new_pair(one, other, shared) for other in samples] for one in samples])
    if is_online:
        allowed = np.tril(allowed, -1)
    similarities[~allowed] = -np.inf
    bindings = []
    for i, sample in enumerate(samples):
        best = int(similarities[i].argmax())
        partners: tuple[Partner, ...] = ()
        if allowed[i].any():
            weight = max(0.0, float(np.log(max(similarities[i, best], 1e-12)) / 2 + 1))
            partners = (Partner(sample_id=samples[best].sample_id, similarity=weight, probability=1.0),)
        outcome = "bound" if partners else "alone"
        bindings.append(
            Binding(
                sample_id=sample.sample_id,
                round=0,
                model_version=0,
                outcome=outcome,  # type: ignore[arg-type]
                partners=partners,
                sequence=i + 1,
            )
        )
    return bindings


def judge_bindings(bindings: Iterable[Binding], samples: Mapping[str, Sample], shared: str) -> dict[str, float]:
    """What the latest round's partners that bring a new modality are worth, by the truth.

    `precision`: of each sample's most probable one; `all`: of all, by probability; `covered`: share of samples that
    have one; `used`, `largest_use`: different best partners, and how often the most frequent; `at_25`, ...: precision
    of the surest 25 % by confidence, or by similarity where there is none.
    """
    latest = {one.sample_id: one for one in sorted(bindings, key=lambda one: one.round) if one.sample_id in samples}
    right, shares, sureness, used = [], [], [], Counter[str]()
    n_asked = 0
    for binding in latest.values():
        sample = samples[binding.sample_id]
        if sample.held_out:
            continue
        n_asked += 1
        partners = [
            one
            for one in binding.partners
            if one.sample_id in samples and brings_new_pair(sample, samples[one.sample_id], shared)
        ]
        if not partners:
            continue
        best = max(partners, key=lambda one: one.probability)
        hits = np.array([samples[one.sample_id].label == sample.label for one in partners])
        probabilities = np.array([one.probability for one in partners])
        right.append(samples[best.sample_id].label == sample.label)
        shares.append(float(probabilities @ hits / probabilities.sum()))
        sureness.append(best.similarity if best.confidence is None else best.confidence)
        used[best.sample_id] += 1
    if not right:
        return {"covered": 0.0}
    surest_first = np.array(right, float)[np.argsort(-np.array(sureness), kind="stable")]
    return {
        "precision": float(np.mean(right)),
        "all": float(np.mean(shares)),
        "covered": len(right) / n_asked,
        "used": float(len(used)),
        "largest_use": float(max(used.values())),
        **{f"at_{share}": float(surest_first[: max(1, len(right) * share // 100)].mean()) for share in COVERAGES},
    }
