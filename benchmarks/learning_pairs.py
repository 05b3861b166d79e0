"""Pairs for the learning benchmark: by the product's binder with everything at hand, and by MMBind's rule."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec
import numpy as np

from encoders.modality import ModalitySpec
from streams.binder import Binder
from streams.generation import EncoderFunction
from streams.records import Binding, Partner, Sample
from streams.settings import BindingSettings
from trainer.partners import brings_new_pair

COVERAGES = (25, 50, 75)


def bind_all(
    samples: Sequence[Sample],
    spec: ModalitySpec,
    settings: BindingSettings,
    encoder: EncoderFunction | None = None,
    round_: int = 0,
) -> list[Binding]:
    """Each sample bound with all samples of all other sources in the history.

    Every source in turn comes last, to a binder that remembers the others and whose generation was built from them.

    Args:
        samples: All of them.
        spec: The shared modality.
        settings: How partners are chosen.
        encoder: Of the shared modality, for a later generation.
        round_: What the Bindings say.
    """
    found: dict[str, Binding] = {}
    for source in sorted({one.source_id for one in samples}):
        binder = Binder(spec, spec.name, settings)
        binder.remember([one for one in samples if one.source_id != source])
        binder.swap(binder.begin_build(round_, encoder))
        own = binder.observe([one for one in samples if one.source_id == source])
        found |= {one.sample_id: msgspec.structs.replace(one, round=round_) for one in own}
    return [msgspec.structs.replace(found[one.sample_id], sequence=i) for i, one in enumerate(samples, start=1)]


def bind_as_mmbind(samples: Sequence[Sample], shared: str, is_online: bool = False) -> list[Binding]:
    """Each sample bound to the one most cosine-similar by its raw shared window that brings a new modality.

    Top-1, no threshold, no exclusivity; the edge's weight `ln(s) / 2 + 1`, never below 0, stands in `similarity`, for
    a trainer whose `edge_weight` is "similarity".

    Args:
        samples: In order.
        shared: The modality that binds.
        is_online: Only earlier samples can be partners.

    Source: MMBind, arXiv 2411.12126, its rule for UTD-MHAD.
    """
    rows = np.stack([one.windows[shared].ravel() for one in samples]).astype(np.float64)
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
