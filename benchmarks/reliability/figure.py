"""What is said of pairs without labels, as pictures for `deploy/docs/is_binding_working.md`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from benchmarks.reliability.comparison import Comparison, bands_of
from benchmarks.reliability.data import NOISE, ROTATED
from benchmarks.reliability.rounds import Course
from deploy.report.picture import BLUE, GREEN, GREY, HALO, INK, ORANGE, RED, STYLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PURPLE, SKY = "#CC79A7", "#56B4E9"
# By data set: its name, and a colour and a mark of its own, so that neither is needed to tell them apart.
LOOKS = {
    "watch": ("watch", BLUE, "o"),
    "utd": ("UTD-MHAD", RED, "s"),
    "mhealth": ("MHEALTH", GREEN, "D"),
    "mhealth in order": ("MHEALTH in order", SKY, "v"),
    "mex": ("MEx", PURPLE, "^"),
    "hugadb": ("HuGaDB", ORANGE, "P"),
}
SMALL: Any = {**STYLE, "font.size": 10, "axes.titlesize": 11.5, "axes.axisbelow": True}
DPI = 100
ON_WHITE: Any = {"frameon": True, "framealpha": 1, "edgecolor": "white"}
# Bands with fewer pairs are not drawn: a share of them has a standard error of up to 9 points.
MIN_PAIRS = 30


def draw_reliability(streams: Sequence[Comparison], file: Path) -> None:
    """Left a point a stream, right a point a band of confidence: what was predicted against what is true."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with rc_context(SMALL):
        figure = _figure(10, 5)
        fleets, pairs = figure.subplots(1, 2)
        for axes in (fleets, pairs):
            axes.plot([0, 100], [0, 100], color=GREY, lw=1.2, ls="--", zorder=1)
            axes.set(xlim=(0, 102), ylim=(0, 102), aspect="equal", xlabel="predicted without labels, %")
        fleets.set(title="A fleet: the estimate and its interval", ylabel="best partners that are right, %")
        pairs.set(title="A pair: confidence in five bands")
        for stream in streams:
            _draw_stream(fleets, stream)
        for data in LOOKS:
            _draw_bands(pairs, data, [stream for stream in streams if stream.data == data])
        _explain(fleets, streams)
        pairs.legend(loc="lower right", fontsize=9)
        figure.savefig(file, dpi=DPI)


def _figure(width: float, height: float) -> Figure:
    return Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.1), facecolor="white")


def _draw_stream(axes: "Axes", stream: Comparison) -> None:
    one = stream.estimate
    if one.value is None or one.low is None or one.high is None or not len(stream.right):
        return
    _, colour, mark = LOOKS[stream.data]
    axes.errorbar(
        [100 * one.value],
        [100 * stream.true],
        xerr=[[100 * (one.value - one.low)], [100 * (one.high - one.value)]],
        fmt="X" if stream.trouble == NOISE else mark,
        ms=7,
        color=colour,
        mfc="white" if stream.trouble == ROTATED else colour,
        mew=1.6,
        elinewidth=1,
        zorder=2,
    )


def _explain(axes: "Axes", streams: Sequence[Comparison]) -> None:
    said = [stream for stream in streams if stream.estimate.value is not None]
    for data in dict.fromkeys(stream.data for stream in said):
        name, colour, mark = LOOKS[data]
        axes.plot([], [], mark, color=colour, ms=7, label=name)
    axes.plot([], [], "o", color=INK, mfc="white", mew=1.6, ms=7, label="hollow: rotated sensors")
    if any(stream.trouble == NOISE for stream in said):
        axes.plot([], [], "X", color=INK, ms=7, label="cross: only noise")
    axes.legend(loc="lower right", fontsize=9)


def _draw_bands(axes: "Axes", data: str, streams: Sequence[Comparison]) -> None:
    name, colour, mark = LOOKS[data]
    for trouble in ("", ROTATED):
        bands = [
            band
            for band in bands_of([stream for stream in streams if stream.trouble == trouble])
            if band["n"] >= MIN_PAIRS
        ]
        if bands:
            x, y = (np.array([100 * band[key] for band in bands]) for key in ("predicted", "true"))
            label = None if trouble else f"{name}, {round(sum(band['n'] for band in bands)):,} pairs"
            style: Any = {"ls": ":", "lw": 1, "mfc": "white"} if trouble else {"ls": "-", "lw": 1.8}
            axes.plot(x, y, mark, color=colour, ms=6, label=label, **style)


def draw_courses(courses: Sequence[Course], withhold_after: int, file: Path) -> None:
    """A column a stream: above the estimate against the truth, below best partners against random ones."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with rc_context(SMALL):
        figure = _figure(10, 6)
        axes = figure.subplots(2, len(courses), sharex=True, sharey="row", height_ratios=(3, 2), squeeze=False)
        for (above, below), course in zip(axes.T, courses, strict=True):
            above.set_title(f"watch, {course.name}")
            _draw_share(above, course)
            _draw_control(below, course)
            if any(point.is_withheld for point in course.points):
                _shade_withheld(above, below, withhold_after, course.points[-1].n_samples)
        axes[0, 0].set(ylabel="best partners that are right, %", ylim=(0, 112), yticks=range(0, 101, 20))
        axes[1, 0].set(ylabel="similarity (cosine)", ylim=(0.4, 1))
        axes[0, -1].legend(*axes[0, 0].get_legend_handles_labels(), loc="center left", fontsize=9, **ON_WHITE)
        axes[1, 0].legend(loc="center right", fontsize=9)
        figure.savefig(file, dpi=DPI)


def _draw_share(axes: "Axes", course: Course) -> None:
    said = [point for point in course.points if point.estimate.value is not None]
    known = [point for point in course.points if not np.isnan(point.true)]
    if said:
        at = [point.n_samples for point in said]
        low, high, value = (
            [100 * (getattr(point.estimate, name) or 0.0) for point in said] for name in ("low", "high", "value")
        )
        axes.fill_between(at, low, high, color=BLUE, alpha=0.16, lw=0, label="its interval (95 %)")
        axes.plot(at, value, color=BLUE, marker="o", lw=2.2, ms=6, label="estimate, without labels")
    shares = [100 * point.true for point in known]
    axes.plot([point.n_samples for point in known], shares, color=INK, marker="x", lw=1.4, ms=6, label="truth")
    axes.axhline(100 * course.chance, color=GREY, lw=1.4, ls="--", label="truth of random pairs")
    state = None
    for point in course.points:
        if point.estimate.state != state:
            state = point.estimate.state
            axes.axvline(point.n_samples, color="#C4C8CE", lw=0.9, zorder=0)
            axes.annotate(f"{state}", (point.n_samples + 5, 104), color=INK, size=9, style="italic", bbox=HALO)


def _draw_control(axes: "Axes", course: Course) -> None:
    at = [point.n_samples for point in course.points]
    best = [point.control.similarity for point in course.points]
    random = [point.control.random_similarity for point in course.points]
    axes.plot(at, best, color=BLUE, marker="o", lw=2, ms=5, label="best partners")
    axes.plot(at, random, color=ORANGE, marker="s", lw=2, ms=5, label="random control")
    axes.fill_between(at, random, best, color=GREY, alpha=0.15, lw=0)
    margin = best[-1] - random[-1]
    axes.annotate(f"margin {margin:.2f}", (at[-1], best[-1]), (0, 8), textcoords="offset points", ha="right", size=9)
    axes.set_xlabel("samples so far")


def _shade_withheld(above: "Axes", below: "Axes", start: int, end: int) -> None:
    for axes in (above, below):
        axes.axvspan(start, end, color=ORANGE, alpha=0.14, lw=0)
    above.annotate("withheld", ((start + end) / 2, 50), ha="center", size=11, color=INK)
