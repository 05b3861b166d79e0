"""The arms of the learning benchmark: what they are paired by, with what loss, and what is switched off in them.

All arms of a mode take the same number of steps from the same seed with the same augmentation; arms with the same loss
differ in their pairs alone. "plain" has ordinary negatives, "soft" the product's softened ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.default_settings import loop_settings
from benchmarks.learning.data import World
from benchmarks.learning.mixtures import MIXTURES, PRECISIONS
from deploy.settings.config import Settings
from streams.labels import LABEL
from trainer.settings import TrainerSettings

FLOOR, FLOOR_SAME_LOSS, CEILING = "natural/plain", "natural/soft", "oracle/soft"
OURS, OURS_PLAIN, MMBIND, MMBIND_SAME_LOSS = "ours/soft", "ours/plain", "mmbind/plain", "mmbind/soft"
BASELINES = ("autoencoder", "dummies/plain", "presence/plain", "generated/plain", "masked/plain")

# What ours is without one of its parts: settings by section.
PARTS: dict[str, dict[str, dict[str, Any]]] = {
    "lag": {"binding": {"lag_tolerant": False}},
    "review": {"binding": {"review_samples": 0}},
    "balance": {"binding": {"balanced": False}},
    "smoothing": {"binding": {"smoothed": False}},
    "opinion": {"binding": {"second_opinion": 0.0}},
    "hubs": {"binding": {"hub_correction": 0.0}},
    "partners": {"binding": {"partners": 1}},
    "replay": {"trainer": {"balanced_replay": False}},
}
ABLATION = (OURS, *(f"ours-no-{part}/soft" for part in PARTS), OURS_PLAIN)
# Ours with some of its pairs made true: what is lost where they are not.
TOGETHER, TOGETHER_PROCESSES = "ours-together/soft", 2
LIMITS = (FLOOR, OURS, "ours-true-early/soft", "ours-true-late/soft", CEILING)

# By mode, in the order of the table.
OFFLINE_ARMS = (
    "untrained",
    *BASELINES,
    "random/plain",
    FLOOR,
    MMBIND,
    "mmbind-encoder/plain",
    OURS_PLAIN,
    "oracle/plain",
    "complete/plain",
    "random/soft",
    FLOOR_SAME_LOSS,
    MMBIND_SAME_LOSS,
    "ours-once/soft",
    OURS,
    CEILING,
    "complete/soft",
)
ONLINE_ARMS = (FLOOR, "random/plain", MMBIND, FLOOR_SAME_LOSS, "random/soft", MMBIND_SAME_LOSS, OURS, CEILING)
# What the figures of the summary need, and the control that must stay below natural edges.
SHORT = (FLOOR, MMBIND, "random/soft", FLOOR_SAME_LOSS, OURS, CEILING)
EVERY_ARM = tuple(dict.fromkeys((*OFFLINE_ARMS, *ONLINE_ARMS, *ABLATION, *LIMITS, TOGETHER, *MIXTURES)))

MEANING = {
    "untrained": "nothing trained",
    "autoencoder": "unimodal autoencoders",
    "dummies": "MIM: zeros for what is missing",
    "presence": "MPM: zeros and presence",
    "generated": "CMG: the missing generated",
    "masked": "DCM: masked, within and between modalities",
    "random": "random pairs, fresh each time",
    "natural": "natural edges only (ImageBind-style)",
    "mmbind": "MMBind: top-1 raw cosine, its weights",
    "mmbind-encoder": "MMBind: top-1 by its autoencoder",
    "ours-once": "ours, generation 0 throughout",
    "ours": "ours",
    "oracle": "pairs by the true label",
    "complete": "natural triples (complete data)",
    "ours-true-early": "ours, first pairs true",
    "ours-true-late": "ours, later pairs true",
    "mixed-none": "true pairs for half of the anchors",
    **{f"mixed-{one}": f"the other half right at {one} %" for one in (*PRECISIONS, 100)},
    **{f"only-{one}": f"all pairs right at {one} %" for one in PRECISIONS},
    "ours-together": "ours by two processes, half the steps",
    "ours-no-lag": "ours without lag tolerance",
    "ours-no-review": "ours without asking again together",
    "ours-no-balance": "ours without spreading (Sinkhorn)",
    "ours-no-smoothing": "ours without look-alikes' say",
    "ours-no-opinion": "ours without a second opinion",
    "ours-no-hubs": "ours without hub correction",
    "ours-no-partners": "ours with one partner each",
    "ours-no-replay": "ours without balanced replay",
}
LOSSES = {"plain": "plain loss", "soft": "softened negatives"}


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """One arm in one world. `product` holds the product's settings with the benchmark's seed."""

    world: World
    arm: str
    product: Settings
    n_steps: int
    n_cycles: int = 10

    @property
    def pairs(self) -> str:
        """What decides the partners."""
        return self.arm.partition("/")[0]

    @property
    def is_ours(self) -> bool:
        """Whether the product's own pairs are trained on, or what is left of them."""
        return self.pairs.partition("-")[0] == "ours"

    @property
    def has_pairs(self) -> bool:
        """Whether there are pairs to judge."""
        return self.is_ours or self.pairs.startswith("mmbind")

    @property
    def settings(self) -> Settings:
        """The product's, without the part that this arm lacks."""
        return without_part(self.product, self.pairs.removeprefix("ours-no-")) if "-no-" in self.pairs else self.product

    @property
    def trainer(self) -> TrainerSettings:
        """The trainer's settings with this arm's loss and weights."""
        trainer = self.settings.trainer
        softening = trainer.softening.model_copy(update={"enabled": self.arm.endswith("/soft")})
        weight = "similarity" if self.pairs.startswith("mmbind") else trainer.edge_weight
        processes = TOGETHER_PROCESSES if self.arm == TOGETHER else 1
        return trainer.model_copy(update={"softening": softening, "edge_weight": weight, "processes": processes})


def without_part(settings: Settings, part: str) -> Settings:
    """The settings with that part of binding or training switched off.

    Raises:
        KeyError: If there is no such part.
    """
    changed = {name: getattr(settings, name).model_copy(update=values) for name, values in PARTS[part].items()}
    return settings.model_copy(update=changed)


def product_settings(world: World, seed: int) -> Settings:
    """The product's settings as they come, for this world's modalities."""
    return loop_settings(world.recordings, world.roles[2], seed)


def arms_of(mode: str, shared: str, arm_set: str) -> tuple[str, ...]:
    """The arms of a mode, in order.

    Args:
        mode: "offline" or an online one.
        shared: With labels shared there is nothing that MMBind's baselines could fill in.
        arm_set: "short", "full", "ablation", "limits", "together" (online only) or "mixtures".
    """
    every = OFFLINE_ARMS if mode == "offline" else ONLINE_ARMS
    chosen: Mapping[str, tuple[str, ...]] = {
        "short": tuple(arm for arm in every if arm in SHORT),
        "full": every,
        "ablation": ABLATION,
        "together": (OURS, TOGETHER) if mode != "offline" else (),
        "limits": LIMITS,
        "mixtures": MIXTURES if mode == "offline" else (),
    }
    unfit = (*BASELINES, "mmbind-encoder/plain") if shared == LABEL else ()
    return tuple(arm for arm in chosen[arm_set] if arm not in unfit)
