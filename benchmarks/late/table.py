"""Figures of the late-modality benchmark: means over seeds, paired differences, a table and what JSON holds."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from rich.table import Table

from benchmarks.late.course import Course
from benchmarks.late.stream import MEANING
from benchmarks.spread import Spread, spread

# By arm, one course for each seed.
Courses: TypeAlias = Mapping[str, Sequence[Course]]
NAMES = {"others": "others", "natural": "late, shared", "bound": "late, unmet"}
MOMENTS = ("before", "after", "end")
# Before it came, the late modality has no figure.
COLUMNS = [(name, moment) for name in NAMES for moment in MOMENTS if name == "others" or moment != "before"]


def summary(courses: Courses) -> dict[str, Any]:
    """Figures by arm, name and moment in percent, and what "late" is above the other arms at the end, in points.

    The arms of a seed are paired, and all are read at the cycles of "late" where it is there. `passed` is the share of
    the versions since the late modality's first cycle that passed the gate. What has no figure is NaN.
    """
    moments = [course.moments for course in courses.get("late") or next(iter(courses.values()))]
    values = {
        arm: {
            name: {
                moment: [100 * one.at(at[i], name) for one, at in zip(ones, moments, strict=True)]
                for i, moment in enumerate(MOMENTS)
            }
            for name in NAMES
        }
        for arm, ones in courses.items()
    }
    late = values.get("late", {})
    return {
        "figures": {arm: {name: _spreads(one) for name, one in by_name.items()} for arm, by_name in values.items()},
        "late_less": {
            arm: {name: spread(_less(late[name]["end"], by_name[name]["end"])) for name in NAMES}
            for arm, by_name in values.items()
            if late and arm != "late"
        },
        "passed": {
            arm: spread([100 * one.share_passed(at[0]) for one, at in zip(ones, moments, strict=True)])
            for arm, ones in courses.items()
        },
        "chance": spread([100 * one.chance for ones in courses.values() for one in ones]),
    }


def table(title: str, found: Mapping[str, Any]) -> Table:
    """A row for each arm, mean ± sd over the seeds."""
    shown = Table(title=title)
    shown.add_column("")
    for name, moment in COLUMNS:
        shown.add_column(f"{NAMES[name]}:\n{moment}", justify="right")
    shown.add_column("versions\npassed, %", justify="right")
    for arm, figures in found["figures"].items():
        shown.add_row(
            MEANING[arm], *(figures[name][moment].cell() for name, moment in COLUMNS), found["passed"][arm].cell()
        )
    for arm, less in found["late_less"].items():
        cells = (less[name].cell("+") if moment == "end" else "" for name, moment in COLUMNS)
        shown.add_row(f"the first less: {MEANING[arm]}", *cells, "")
    shown.caption = f"cmAP, %, of held-out sources between these; chance {found['chance'].cell()}"
    return shown


def _spreads(values: Mapping[str, Sequence[float]]) -> dict[str, Spread]:
    return {moment: spread(one) for moment, one in values.items()}


def _less(values: Sequence[float], others: Sequence[float]) -> list[float]:
    return [one - other for one, other in zip(values, others, strict=True)]
