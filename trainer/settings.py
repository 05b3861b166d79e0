"""What the trainer is told, a section a class. Reads no file and no environment: see `deploy.settings.config`."""

from typing import Literal

from pydantic import Field

from streams.section import Section


class AugmentationSettings(Section):
    """How windows and features are varied in each training step; 0 switches a kind off."""

    shift_share: float = Field(0.1, ge=0, lt=1, description="largest shift in time, as a share of the window")
    gain_sd: float = Field(0.1, ge=0, lt=1, description="standard deviation of the factor on a whole window")
    noise_sd: float = Field(0.05, ge=0, description="of white noise, in the source's robust units")
    drop_share: float = Field(0.1, ge=0, lt=1, description="longest stretch that is blanked, as a share of the window")
    dropout: float = Field(0.15, ge=0, lt=1, description="share of an encoder's last features that are left out")


class SofteningSettings(Section):
    """Removes look-alikes from the negatives: `log(1 - sigmoid((c - quantile) / width))`.

    `c` is the hub-corrected lag-tolerant similarity of two shared windows, the quantile a running one.
    """

    enabled: bool = Field(True, description="whether look-alikes are removed")
    quantile: float = Field(0.97, gt=0, lt=1, description="of the similarities in a batch: what is above, goes")
    width: float = Field(0.03, gt=0, description="of similarities round it, from hardly to nearly removed")
    memory: float = Field(0.95, ge=0, lt=1, description="share of the running quantile that a step keeps")


class GateSettings(Section):
    """What a candidate must show before the followed channel moves to it."""

    retrieval_errors: float = Field(
        2.0, ge=0, description="by how many standard errors of the difference retrieval may fall below the best so far"
    )
    refusals_before_return: int = Field(
        0, ge=0, description="after so many refused versions in a row training goes on from the best one; 0: never"
    )
    chance_factor: float = Field(1.2, ge=1, description="how many times chance the labelled retrieval must be")
    chance_deviations: float = Field(
        2.0, ge=0, description="without labels, by how many standard deviations of luck it must be above chance"
    )
    min_effective_rank: float = Field(4.0, ge=1, description="dimensions that the embeddings really use")
    max_mean_cosine: float = Field(0.9, gt=0, le=1, description="mean cosine of unlike samples of one modality")
    min_pair_precision: float = Field(
        0.25, ge=0, le=1, description="estimated share of right best partners, where there is an estimate"
    )


class TrainerSettings(Section):
    """All that the trainer is told."""

    seed: int = Field(0, ge=0, description="of all randomness")
    processes: int = Field(
        1, ge=1, description="that train together, a batch each in every step, of which a cycle then has fewer"
    )
    cycle_bindings: int = Field(128, ge=1, description="a cycle is cut by so many new samples")
    steps_per_cycle: int = Field(100, ge=1, description="of a cycle once the buffer is warm")
    warm_samples: int = Field(
        1024, ge=1, description="samples in the buffer below which a cycle has fewer steps, in proportion"
    )
    backlog_bindings: int = Field(
        2_000,
        ge=1,
        description="where so many Bindings wait, new samples get fewer steps, so that no more come to wait",
    )
    idle_cycles: float = Field(
        1.0, ge=0, description="how many times a cycle's steps may be taken once more while nothing new comes"
    )
    publish_every_cycles: int = Field(1, ge=1, description="every how-manieth cycle ends in a candidate")
    publish_every_s: float = Field(
        60.0,
        ge=0,
        description="after one that passed none is offered for so long: workers and consumers take it up",
    )
    batch_pairs: int = Field(64, ge=2, description="anchors of a step, each with a partner")
    learning_rate: float = Field(2e-3, gt=0, description="of AdamW")
    weight_decay: float = Field(1e-3, ge=0, description="of AdamW")
    average: float = Field(
        0.95,
        ge=0,
        lt=1,
        description="share of the mean weights that a step keeps; the mean is published",
    )
    temperature: float = Field(0.1, gt=0, description="of the contrastive loss: the lower, the more near misses count")
    dim: int = Field(64, ge=2, description="length of an embedding")
    width: int = Field(32, ge=8, multiple_of=8, description="channels of an encoder's first layer")
    edge_weight: Literal["one", "similarity"] = Field(
        "one", description="what the loss multiplies an edge by; natural edges have 1"
    )
    min_confidence: float = Field(
        0.1, ge=0, le=1, description="a pair that is thought to be right less often is not learned from"
    )
    augmentation: AugmentationSettings = AugmentationSettings()
    softening: SofteningSettings = SofteningSettings()
    replay_samples: int = Field(8192, ge=2, description="samples in the replay buffer; an edge needs both ends there")
    replay_bytes: int = Field(1 << 30, ge=1 << 20, description="of their windows, at most; the oldest go first")
    remembered_bindings: int = Field(200_000, ge=1, description="whose repeats are recognised and dropped")
    balanced_replay: bool = Field(True, description="draw anchors uniformly over sources; else over samples")
    batch_spacing_s: float = Field(4.0, ge=0, description="windows of one source in a batch are this far apart")
    evaluation_max_samples: int = Field(512, ge=2, description="held-out samples kept for evaluation, the latest")
    adopt_version: int = Field(
        0, ge=0, description="the version of another training that this one, with checkpoints of its own, may follow on"
    )
    checkpoints_kept: int = Field(3, ge=1, description="whose weights are kept")
    gate: GateSettings = GateSettings()

    def steps_of_cycle(self, n_samples: int) -> int:
        """The steps of a cycle over a buffer of so many samples.

        In proportion to them until the buffer is warm, so that a sample which came late is drawn as often as an early
        one. On UTD-MHAD it lifted online cmAP from 45.1 to 46.9 in 4 runs; 8 runs of later code gave 45.1: no more than
        a hint.
        """
        if not n_samples:
            return 0
        return max(1, round(self.steps_per_cycle * min(1.0, n_samples / self.warm_samples)))
