"""True pairs among which are some that are right only so often: at which precision does a pair do harm?

Half of all anchors get a partner of their own label. Of the others a share gets one too, and the rest any partner of
another label; or, in the arm that all are compared with, they get none. Where an arm is below that one, its pairs of
that precision are worse than no pairs. Labels are read here, as in the controls.
"""

import numpy as np

from streams.records import Sample
from trainer.controls import RANDOM_TRIES, partner_rule
from trainer.replay.buffer import PartnerRule, ReplayBuffer
from trainer.replay.partners import brings_new_pair, companion

# Percent of the doubtful half that are right.
PRECISIONS = (5, 10, 20, 30, 45, 60)
MIXED_NONE = "mixed-none/soft"
MIXTURES = (MIXED_NONE, *(f"mixed-{percent}/soft" for percent in PRECISIONS), "mixed-100/soft")


def mixture(pairs: str, shared: str) -> PartnerRule:
    """The rule of an arm, by what stands before its loss: "mixed-30", say, or "mixed-none"."""
    true_partner = partner_rule("oracle", shared)
    right = pairs.removeprefix("mixed-")

    def choose(buffer: ReplayBuffer, anchor: Sample, rng: np.random.Generator) -> tuple[Sample | None, float]:
        if rng.random() < 0.5:
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
