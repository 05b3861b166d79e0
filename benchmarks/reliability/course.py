"""What is said of pairs while they come, next to the truth: `python -m benchmarks.reliability.course --figure FILE`.

The watch recordings as they are, and the same with noise for the sensor that binds, streamed through the core without a
model. After each round of a review: the estimate with its interval, the true share of right best partners, and their
cosine beside that of random pairs. The stream is shorter than `binding.withhold_after` is by default, so that is less.
"""

import argparse
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.reliability.command import settings_of
from benchmarks.reliability.data import with_noise
from deploy.recordings.recordings import Recordings
from deploy.recordings.truth import Truth, without_labels
from deploy.recordings.watch import watch_recordings
from streams.pipeline import Pipeline
from streams.precision.figures import Control, PrecisionEstimate
from streams.records import Binding

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


def main() -> None:
    """Prints both courses."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--figure", type=Path)
    given = parser.parse_args()
    watch = watch_recordings()
    courses = [
        follow("a sensor that tells what happens", watch),
        follow("a sensor that is only noise", with_noise(watch, 0)),
    ]
    for course in courses:
        print(f"watch, {course.name}; by chance {100 * course.chance:.0f} % are right")
        print("  samples  state         estimate       interval    true  similarity: best  random")
        for point in course.points:
            print(_line(point))
    if given.figure:
        from benchmarks.reliability.figure import draw_courses

        draw_courses(courses, WITHHOLD_AFTER, given.figure)


def follow(name: str, recordings: Recordings) -> Course:
    """Streams the recordings, and notes each round."""
    settings = settings_of(recordings, withhold_after=WITHHOLD_AFTER)
    pipeline, truth = Pipeline(settings), Truth(recordings, settings.ingest.hop_s)
    labels: dict[str, object] = {}
    sources: dict[str, str] = {}
    course = Course(name, float("nan"))
    windows = list(without_labels(recordings.visible))
    for start in range(0, len(windows), WINDOWS_AT_A_TIME):
        bound = pipeline.feed(windows[start : start + WINDOWS_AT_A_TIME])
        labels |= truth.labels(bound.samples)
        sources |= {one.sample_id: one.source_id for one in bound.samples if not one.held_out}
        later = [one for one in bound.bindings if one.round]
        if later:
            course.points.append(
                Point(
                    n_samples=len(sources),
                    estimate=pipeline.binder.estimate,
                    control=pipeline.binder.control,
                    true=_precision(later, labels),
                    is_withheld=later[0].outcome == "withheld",
                )
            )
    course.chance = _chance([str(labels[one]) for one in sources], list(sources.values()))
    return course


def _precision(bindings: list[Binding], labels: dict[str, object]) -> float:
    best = [(one.sample_id, one.partners[0].sample_id) for one in bindings if one.partners]
    return float(np.mean([labels[own] == labels[partner] for own, partner in best])) if best else float("nan")


def _chance(labels: list[str], sources: list[str]) -> float:
    names, whose = np.array(labels), np.array(sources)
    among = whose[:, None] != whose[None, :]
    return float((names[:, None] == names[None, :])[among].mean())


def _line(point: Point) -> str:
    one = point.estimate
    value = "" if one.value is None else f"{100 * one.value:.0f} %"
    interval = "" if one.low is None or one.high is None else f"{100 * one.low:.0f} to {100 * one.high:.0f}"
    true = "withheld" if point.is_withheld else f"{100 * point.true:.0f} %"
    cosines = f"{point.control.similarity:18.2f}{point.control.random_similarity:8.2f}"
    return f"{point.n_samples:9}  {one.state:10}{value:>12}{interval:>15}{true:>10}{cosines}"


if __name__ == "__main__":
    main()
