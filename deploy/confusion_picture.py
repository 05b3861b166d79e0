"""Which classes are taken for which, as one picture."""

from pathlib import Path

import numpy as np

from deploy.finetune import FinetuneReport
from deploy.picture import STYLE

# Above these the numbers in the cells, or the names beside them, could not be read.
MAX_NUMBERED_CLASSES = 30
MAX_NAME = 18


def draw_confusion(report: FinetuneReport, file: Path) -> None:
    """Writes it as PNG: shares of each true class by colour, counts as numbers."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    counts = np.array(report.confusion)
    n = len(counts)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    names = [_short(str(label)) for label in report.classes]
    side = float(np.clip(3 + 0.42 * n, 6.5, 20))
    file.parent.mkdir(parents=True, exist_ok=True)
    with rc_context({**STYLE, "axes.grid": False}):
        layout = ConstrainedLayoutEngine(w_pad=0.15, h_pad=0.15)
        figure = Figure(figsize=(side + 1, side + 0.8), dpi=110, layout=layout, facecolor="white")
        axes = figure.add_subplot()
        image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        axes.set_title(title(report), size=11)
        axes.set(xlabel="said", ylabel="true")
        size = float(np.clip(200 / n, 6, 11))
        axes.set_xticks(range(n), names, rotation=90 if max(map(len, names)) > 3 else 0, size=size)
        axes.set_yticks(range(n), names, size=size)
        figure.colorbar(image, ax=axes, shrink=0.7, label="share of the true class")
        if n <= MAX_NUMBERED_CLASSES:
            for row, column in zip(*counts.nonzero(), strict=True):
                colour = "white" if shares[row, column] > 0.55 else "#22262B"
                axes.text(column, row, str(counts[row, column]), ha="center", va="center", color=colour, size=size)
        figure.savefig(file)


def title(report: FinetuneReport) -> str:
    """The figures in two lines, guessing beside them."""
    return (
        f"{report.method}, {report.labels_per_class} labels a class, {', '.join(report.modalities)}\n"
        f"accuracy {report.accuracy:.0%} (chance {report.chance.accuracy:.0%}, "
        f"majority {report.majority.accuracy:.0%}), macro-F1 {report.macro_f1:.2f}, n = {report.n_test}"
    )


def _short(name: str) -> str:
    return name if len(name) <= MAX_NAME else name[: MAX_NAME - 1] + "…"
