"""Pairs that are right only so often: at which precision do they do harm?

"mixed": half of all anchors get a partner of their own label. Of the others a share gets one too, and the rest any
partner of another label; or, in the arm that these are compared with, they get none. "only": all anchors get partners
that are right so often; these are compared with natural edges. Where an arm is below what it is compared with, its
pairs are worse than none. Labels are read here, as in the controls.
"""

import numpy as np

from streams.records import Sample
from trainer.controls import RANDOM_TRIES, partner_rule
from trainer.replay.buffer import PartnerRule, ReplayBuffer
from trainer.replay.partners import brings_new_pair, companion

# Percent of the doubtful pairs that are right.
PRECISIONS = (5, 10, 20, 30, 45, 60)
MIXTURES = (
    "natural/soft",
    *(f"only-{percent}/soft" for percent in PRECISIONS),
    "mixed-none/soft",
    *(f"mixed-{percent}/soft" for percent in (*PRECISIONS, 100)),
)


def is_mixture(pairs: str) -> bool:
    """Whether an arm, by what stands before its loss, is one of these."""
    return pairs.startswith(("mixed-", "only-"))


def mixture(pairs: str, shared: str) -> PartnerRule:
    """The rule of an arm, by what stands before its loss: "only-30", "mixed-30", say, or "mixed-none"."""
    true_partner = partner_rule("oracle", shared)
    kind, _, right = pairs.partition("-")

    def choose(buffer: ReplayBuffer, anchor: Sample, rng: np.random.Generator) -> tuple[Sample | None, float]:
        if kind == "mixed" and rng.random() < 0.5:
            return true_partner(buffer, anchor, rng)
        if right == "none":
            return companion(buffer, anchor, rng)
        if rng.random() < int(right) / 100:
            return true_partner(buffer, anchor, rng)
        for _ in range(RANDOM_TRIES):
            partner = buffer.any_other(anchor.source_id, rng)
            if partner is not None and partner.label != anchor.label and brings_new_pair(anchor, partner, shared):
                return partner, 1.0
        return companion(buffer, anchor, rng)

    return choose
