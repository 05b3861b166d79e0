"""What is said of a stream's pairs after each round of a review, next to the truth."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from benchmarks.reliability.comparison import settings_of
from deploy.recordings.recordings import Recordings
from deploy.recordings.truth import Truth, without_labels
from streams.pipeline import Pipeline
from streams.precision.figures import Control, PrecisionEstimate
from streams.records import Binding

# The streams are shorter than the product's default, and what is only noise must be found out within them.
WITHHOLD_AFTER = 500
# So few windows at a time that no two rounds come at once.
WINDOWS_AT_A_TIME = 16


@dataclass(frozen=True, slots=True)
class Point:
    """One round: how many samples had come, what was said, and what is true, NaN where nothing was bound."""

    n_samples: int
    estimate: PrecisionEstimate
    control: Control
    true: float
    is_withheld: bool


@dataclass(slots=True, eq=False)
class Course:
    """All rounds of one stream, and the share of right pairs that chance gives."""

    name: str
    chance: float
    points: list[Point] = field(default_factory=list)


def follow(name: str, recordings: Recordings) -> Course:
    """Streams the recordings, and notes each round that changed something, and the end."""
    settings = settings_of(recordings, withhold_after=WITHHOLD_AFTER)
    pipeline, truth = Pipeline(settings), Truth(recordings, settings.ingest.hop_s)
    labels: dict[str, object] = {}
    sources: dict[str, str] = {}
    latest: dict[str, Binding] = {}
    course = Course(name, float("nan"))
    windows = list(without_labels(recordings.visible))
    for start in range(0, len(windows), WINDOWS_AT_A_TIME):
        bound = pipeline.feed(windows[start : start + WINDOWS_AT_A_TIME])
        is_last = start + WINDOWS_AT_A_TIME >= len(windows)
        if is_last:
            bound += pipeline.flush() + pipeline.review()
        labels |= truth.labels(bound.samples)
        sources |= {one.sample_id: one.source_id for one in bound.samples if not one.held_out}
        latest |= {one.sample_id: one for one in bound.bindings}
        if is_last or any(one.round for one in bound.bindings):
            course.points.append(
                Point(
                    n_samples=len(sources),
                    estimate=pipeline.binder.estimate,
                    control=pipeline.binder.control,
                    true=_precision(latest.values(), labels),
                    is_withheld=pipeline.binder.withholds,
                )
            )
    course.chance = _chance([str(labels[one]) for one in sources], list(sources.values()))
    return course


def _precision(bindings: Iterable[Binding], labels: dict[str, object]) -> float:
    best = [(one.sample_id, one.partners[0].sample_id) for one in bindings if one.partners]
    return float(np.mean([labels[own] == labels[partner] for own, partner in best])) if best else float("nan")


def _chance(labels: list[str], sources: list[str]) -> float:
    names, whose = np.array(labels), np.array(sources)
    among = whose[:, None] != whose[None, :]
    return float((names[:, None] == names[None, :])[among].mean())
