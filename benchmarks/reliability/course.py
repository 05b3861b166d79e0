"""What is said of pairs while they come, next to the truth.

    python -m benchmarks.reliability.course [--json FILE] [--figure FILE]

The watch recordings as they are, and the same with noise for the sensor that binds, streamed through the core without a
model. After each round of a review: the estimate with its interval, the true share of right best partners, and their
cosine beside that of random pairs. The stream is shorter than `binding.withhold_after` is by default, so that is less.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks.command_line import parser_of, write_json
from benchmarks.data_sets import WATCH, read_data_set
from benchmarks.reliability.data import with_noise
from benchmarks.reliability.rounds import WITHHOLD_AFTER, Point, follow


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line as read: where figures and picture go."""
    parser = parser_of(__doc__)
    parser.add_argument("--figure", type=Path)
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> None:
    """Prints both courses, a line a round, writes them as figures and as a picture."""
    asked = arguments(given)
    watch = read_data_set(WATCH)
    courses = [
        follow("a sensor that tells what happens", watch),
        follow("a sensor that is only noise", with_noise(watch, 0)),
    ]
    for course in courses:
        print(f"watch, {course.name}; by chance {100 * course.chance:.0f} % are right")
        print("  samples  state         estimate       interval    true  similarity: best  random")
        for point in course.points:
            print(_line(point))
    if asked.json:
        write_json(courses, asked.json)
    if asked.figure:
        from benchmarks.reliability.figure import draw_courses

        draw_courses(courses, WITHHOLD_AFTER, asked.figure)


def _line(point: Point) -> str:
    one = point.estimate
    value = "" if one.value is None else f"{100 * one.value:.0f} %"
    interval = "" if one.low is None or one.high is None else f"{100 * one.low:.0f} to {100 * one.high:.0f}"
    true = "withheld" if point.is_withheld else f"{100 * point.true:.0f} %"
    cosines = f"{point.control.similarity:18.2f}{point.control.random_similarity:8.2f}"
    return f"{point.n_samples:9}  {one.state:10}{value:>12}{interval:>15}{true:>10}{cosines}"


if __name__ == "__main__":
    main()
