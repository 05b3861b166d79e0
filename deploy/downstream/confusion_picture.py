"""Which classes are taken for which, as one picture."""

from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

import numpy as np

from deploy.downstream.finetune import FinetuneReport
from deploy.report.picture import INK, STYLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Above these the numbers in the cells, or the names beside them, could not be read.
MAX_NUMBERED_CLASSES = 30
MAX_NAME = 18
# The mean width of a letter next to its size in points.
LETTER_WIDTH, TITLE_SIZE = 0.62, 11
POINTS_PER_INCH = 72


def draw_confusion(report: FinetuneReport, file: Path) -> None:
    """Writes it as PNG: shares of each true class by colour, counts as numbers."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    n = len(report.classes)
    side = float(np.clip(3 + 0.42 * n, 6.5, 20))
    file.parent.mkdir(parents=True, exist_ok=True)
    with rc_context({**STYLE, "axes.grid": False}):
        layout = ConstrainedLayoutEngine(w_pad=0.15, h_pad=0.15)
        figure = Figure(figsize=(side + 1, side + 0.8), dpi=110, layout=layout, facecolor="white")
        figure.suptitle(title(report, _letters(side)), size=TITLE_SIZE, weight="bold", x=0.03, ha="left")
        axes = figure.add_subplot()
        _cells(axes, report, float(np.clip(200 / n, 6, 11)), 0.7 * side / n)
        figure.colorbar(axes.images[0], ax=axes, shrink=0.7, label="share of the true class")
        figure.savefig(file)


def _cells(axes: "Axes", report: FinetuneReport, size: float, cell: float) -> None:
    counts = np.array(report.confusion)
    n = len(counts)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    names = [_short(str(label)) for label in report.classes]
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set(xlabel="said", ylabel="true, and how many")
    fits = max(map(len, names)) * LETTER_WIDTH * size < cell * POINTS_PER_INCH
    axes.set_xticks(range(n), names, rotation=0 if fits else 90, size=size)
    axes.set_yticks(
        range(n), [f"{name}  {n_true}" for name, n_true in zip(names, counts.sum(1), strict=True)], size=size
    )
    for set_ticks in (axes.set_xticks, axes.set_yticks):
        set_ticks(np.arange(n + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1.5)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)
    axes.set_anchor("N")
    if n > MAX_NUMBERED_CLASSES:
        return
    for row, column in zip(*counts.nonzero(), strict=True):
        colour = "white" if shares[row, column] > 0.55 else INK
        axes.text(column, row, str(counts[row, column]), ha="center", va="center", color=colour, size=size)


def title(report: FinetuneReport, n_letters: int) -> str:
    """What was done, its figures, and what the same labels give without the model, in lines of at most that length."""
    controls = ", ".join(f"{one.what} {one.scores.accuracy:.0%}" for one in report.labels_only)
    lines = (
        f"{report.method}, {report.labels_per_class} labels a class: {', '.join(report.modalities)}",
        f"accuracy {report.accuracy:.0%}, macro-F1 {report.macro_f1:.2f}, n = {report.n_test}",
        f"labels only: {controls}; chance {report.chance.accuracy:.0%}, majority {report.majority.accuracy:.0%}",
    )
    return "\n".join(part for line in lines for part in wrap(line, n_letters))


def _letters(width: float) -> int:
    return int(width * POINTS_PER_INCH / (LETTER_WIDTH * TITLE_SIZE))


def _short(name: str) -> str:
    # Names that begin alike often end in a number.
    return name if len(name) <= MAX_NAME else f"{name[: MAX_NAME // 2]}…{name[MAX_NAME // 2 + 1 - MAX_NAME :]}"
