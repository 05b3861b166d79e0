"""Where the limit comes from: the product's pairs with some of them made true, its samples and their order kept."""

from collections.abc import Callable, Mapping, Sequence

import msgspec
import numpy as np

from streams.records import Binding, Label, Partner, Sample
from streams.settings import BindingSettings
from trainer.replay.partners import brings_new_pair

# As many as the product gives a sample by default.
TRUE_PARTNERS = BindingSettings().partners


def with_true_pairs(
    bindings: Sequence[Binding],
    samples: Mapping[str, Sample],
    shared: str,
    seed: int,
    is_chosen: Callable[[Binding], bool],
) -> list[Binding]:
    """The Bindings, those chosen with as many true partners as there were by then, at most `TRUE_PARTNERS`.

    Args:
        bindings: In the order in which they were made.
        samples: By id, labelled.
        shared: The modality that binds.
        seed: Of the choice among true ones.
        is_chosen: Which to make true.
    """
    rng = np.random.default_rng([seed, 11])
    known: dict[Label | None, list[Sample]] = {}
    seen: set[str] = set()
    changed = []
    for binding in bindings:
        sample = samples[binding.sample_id]
        if not sample.held_out and is_chosen(binding):
            changed.append(msgspec.structs.replace(binding, **_true(sample, known.get(sample.label, []), shared, rng)))
        else:
            changed.append(binding)
        if binding.sample_id not in seen and not sample.held_out:
            seen.add(binding.sample_id)
            known.setdefault(sample.label, []).append(sample)
    return changed


def _true(sample: Sample, alike: Sequence[Sample], shared: str, rng: np.random.Generator) -> dict[str, object]:
    usable = [one for one in alike if brings_new_pair(sample, one, shared)]
    chosen = [usable[i] for i in rng.permutation(len(usable))[:TRUE_PARTNERS]]
    partners = tuple(Partner(sample_id=one.sample_id, similarity=1.0, probability=1 / len(chosen)) for one in chosen)
    return {"partners": partners, "outcome": "bound" if partners else "alone"}
