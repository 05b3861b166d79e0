"""What bound pairs are compared with: the same training with no pairs, random pairs, and pairs by the true label.

The controls run through the very same Learner: same Bindings in the same order, cycles, steps, loss and seed. Only the
rule that chooses an anchor's partner differs. Labels are read here for the oracle and nowhere else in training.
"""

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from encoders.modality import ModalitySpec
from streams.records import Binding, Label, Sample
from trainer.learner import Learner
from trainer.replay.buffer import PartnerRule, ReplayBuffer
from trainer.replay.partners import bound_partner, brings_new_pair, companion
from trainer.settings import TrainerSettings
from trainer.state import CycleReport

RULES = ("bound", "natural", "random", "oracle")
# Draws after which a random partner that brings a new pair of modalities is given up.
RANDOM_TRIES = 16


def partner_rule(name: str, shared: str) -> PartnerRule:
    """The rule of that name: "bound" is the product's own, the others are its controls.

    "natural" gives a companion whose edge counts nothing, "random" a fresh random sample of another source each time,
    "oracle" one of the same true label from another source. All but "natural" only choose partners that bring a new
    pair of modalities, and all give a companion where there is none.

    Raises:
        ValueError: If there is no such rule.
    """
    if name not in RULES:
        raise ValueError(f"partner rule {name!r}: wanted one of {', '.join(RULES)}")
    if name == "oracle":
        return _Oracle(shared)
    return {"bound": bound_partner(shared), "natural": companion, "random": _random_partner(shared)}[name]


def _random_partner(shared: str) -> PartnerRule:
    def choose(buffer: ReplayBuffer, anchor: Sample, rng: np.random.Generator) -> tuple[Sample | None, float]:
        for _ in range(RANDOM_TRIES):
            partner = buffer.any_other(anchor.source_id, rng)
            if partner is not None and brings_new_pair(anchor, partner, shared):
                return partner, 1.0
        return companion(buffer, anchor, rng)

    return choose


class _Oracle:
    """Knows the truth; lists the buffer's samples by label once for each state of the buffer."""

    def __init__(self, shared: str) -> None:
        self._shared = shared
        self._listed: tuple[ReplayBuffer, int] | None = None
        self._by_label: dict[Label, list[Sample]] = {}

    def __call__(
        self, buffer: ReplayBuffer, anchor: Sample, rng: np.random.Generator, /
    ) -> tuple[Sample | None, float]:
        if self._listed != (buffer, buffer.revision):
            self._listed, self._by_label = (buffer, buffer.revision), {}
            for sample in buffer.samples.values():
                if sample.label is not None:
                    self._by_label.setdefault(sample.label, []).append(sample)
        alike = self._by_label.get(anchor.label, []) if anchor.label is not None else []
        alike = [sample for sample in alike if brings_new_pair(anchor, sample, self._shared)]
        return (alike[int(rng.integers(len(alike)))], 1.0) if alike else companion(buffer, anchor, rng)


def replay_bindings(
    bindings: Iterable[Binding],
    samples: Mapping[str, Sample],
    specs: Mapping[str, ModalitySpec],
    shared: str,
    settings: TrainerSettings,
    rule: str | PartnerRule = "bound",
    on_cycle: Callable[[Learner, CycleReport], None] = lambda learner, report: None,
) -> Learner:
    """A learner that has been through the Bindings in their order, a cycle for every `cycle_bindings` admitted.

    Bindings that are left over at the end get a cycle too.

    Args:
        bindings: In the order in which they were made, those of held-out samples among them.
        samples: By id.
        specs: Modalities by name.
        shared: The shared modality.
        settings: Of the trainer; see `spread_steps` for a given number of steps in all.
        rule: A rule, or the name of one: see `partner_rule`.
        on_cycle: Called after each cycle.
    """
    chosen = partner_rule(rule, shared) if isinstance(rule, str) else rule
    learner = Learner(specs, shared, settings, rule=chosen)
    for binding in bindings:
        learner.admit(binding, samples)
        if learner.cycle_due:
            on_cycle(learner, learner.run_cycle())
    if learner.cycles.n_new:
        on_cycle(learner, learner.run_cycle())
    return learner


def spread_steps(settings: TrainerSettings, n_bindings: int, n_steps: int) -> TrainerSettings:
    """The settings with which `replay_bindings` takes about `n_steps` steps over so many admitted Bindings."""
    sizes = [*range(settings.cycle_bindings, n_bindings, settings.cycle_bindings), max(1, n_bindings)]
    shares = [min(size, settings.replay_samples) / settings.warm_samples for size in sizes]
    per_cycle = n_steps / sum(min(1.0, share) for share in shares)
    return settings.model_copy(update={"steps_per_cycle": max(1, round(per_cycle))})
