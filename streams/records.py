"""The records that travel through the topics. Performs no I/O and checks nothing: see `validation`."""

from typing import Annotated, Any, Literal, TypeAlias

import msgspec
import numpy as np

from encoders.manifest import Count
from encoders.scaling import Scaling

Label: TypeAlias = int | str
Outcome: TypeAlias = Literal["bound", "alone", "withheld", "held-out", "no-shared-modality"]

OUTCOMES: tuple[Outcome, ...] = ("bound", "alone", "withheld", "held-out", "no-shared-modality")


class SensorWindow(msgspec.Struct, frozen=True, kw_only=True, eq=False, omit_defaults=True):
    """One window of one sensor: `values` is `[T, C]` float32, `start_ns` its first step's Unix time.

    `label` is for evaluation: it neither binds nor trains, unless labels are the shared modality.
    """

    source_id: str
    modality: str
    start_ns: int
    values: np.ndarray
    window_id: str | None = None
    label: Label | None = None

    @property
    def identity(self) -> str:
        """The sender's window_id, or one made of source, modality and start."""
        return self.window_id or f"{self.source_id}/{self.modality}/{self.start_ns}"


class Sample(msgspec.Struct, frozen=True, kw_only=True, eq=False, omit_defaults=True):
    """All windows of one source at one time: `windows` are raw values, `scaling` what makes them comparable."""

    sample_id: str
    source_id: str
    start_ns: int
    windows: dict[str, np.ndarray]
    scaling: dict[str, Scaling]
    held_out: bool = False
    late: bool = False
    label: Label | None = None

    def scaled(self, modality: str) -> np.ndarray:
        """The window `[T, C]` of a modality in its source's own robust units.

        Raises:
            KeyError: If the sample lacks the modality.
        """
        return self.scaling[modality].apply(self.windows[modality])


class NodeScaling(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What makes the windows of one source's modality comparable, as the stream knows it now."""

    source_id: str
    modality: str
    scaling: Scaling


class SampleEmbedding(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The fused embedding of a sample: `values` `[dim]`, of unit length, by one version from these modalities."""

    sample_id: str
    source_id: str
    start_ns: int
    model_version: int
    modalities: tuple[str, ...]
    values: np.ndarray


class Partner(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One end of an edge: cosine `similarity`, share `probability` in the soft assignment.

    `confidence` is an estimated probability that the pair is right, or None where there is no estimate.
    """

    sample_id: str
    similarity: float
    probability: float
    confidence: float | None = None


class Binding(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one sample: its partners, best first, or why it has none.

    Its identity is (sample_id, round). Round 0 is its first, on arrival; when it is asked again, with more samples or a
    better model to compare by, the round is larger and replaces those before. `worker` and `sequence` say whose answer
    it is, and after how many samples since that worker began: with them a run can be replayed in the order it had.

    A crash between writing a Binding and committing its sample repeats the question, and another life of a worker, with
    another history, may answer it otherwise. All answers to a sample lie in one partition: of two with one identity the
    first in the log holds, for the trainer and for whoever else reads it.
    """

    sample_id: str
    round: int
    model_version: int
    outcome: Outcome
    partners: tuple[Partner, ...] = ()
    worker: str = ""
    sequence: int = 0


class LabelRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What somebody knows: the label of one sample, or of all that a source did from `start_ns` on, before `end_ns`.

    A sample across a border is where its middle is. What comes later replaces what was said of the same before, and
    without a `label` takes it back.
    """

    sample_id: str | None = None
    source_id: str | None = None
    start_ns: int | None = None
    end_ns: int | None = None
    label: Label | None = None


class SampleLabel(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The label of a sample and its probability; without both it is not known. `given` is what somebody said."""

    sample_id: str
    source_id: str
    start_ns: int
    label: Label | None = None
    probability: float | None = None
    given: bool = False


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """The gate's word on one candidate version."""

    version: Count
    passed: bool
    reason: str
    figures: dict[str, float] = {}


class Rollout(msgspec.Struct, frozen=True, kw_only=True):
    """How a version is tried: by the followers of `channel` whose lot is below `upto`, for `for_s` seconds.

    They load it beside the version that they serve and embed with both; with `serves` they hand out its results. A word
    on it takes `min_calls` calls of it at least.
    """

    channel: str
    upto: Annotated[float, msgspec.Meta(gt=0, le=1)]
    for_s: Annotated[float, msgspec.Meta(gt=0)]
    min_calls: Annotated[int, msgspec.Meta(ge=1)] = 100
    serves: bool = False


class ChannelMove(msgspec.Struct, frozen=True, kw_only=True):
    """Points a channel at a version. It is void unless `replaces` is the version the channel had.

    While the last move of a channel is `pinned` only people move it. One with a `rollout` has its version tried.
    """

    channel: str
    seq: Count
    version: Count
    replaces: Count
    reason: str
    by: str
    at_ns: Count
    pinned: bool = False
    rollout: Rollout | None = None


class VersionUse(msgspec.Struct, frozen=True, kw_only=True):
    """How a version has done in one follower since it was taken up there.

    `embed_s` are the seconds of all its calls; `mean_cosine` is that of its latest embeddings of unlike windows: near 1
    they are all the same. None where there were too few.
    """

    version: int
    since_ns: int
    calls: int = 0
    errors: int = 0
    embed_s: float = 0.0
    mean_cosine: float | None = None


class FollowerReport(msgspec.Struct, frozen=True, kw_only=True):
    """Which version a follower runs, how its last swap went, and how it and the one on trial are doing.

    `agreement` says how alike the two are about what is like what (linear CKA, arXiv 1905.00414): 1 where they agree, 0
    where not at all; None without one on trial or where there were too few windows.
    """

    follower_id: str
    version: int
    at_ns: int
    swaps: int = 0
    failures: int = 0
    last_error: str = ""
    use: VersionUse | None = None
    trial: VersionUse | None = None
    agreement: float | None = None
    details: dict[str, Any] = {}
