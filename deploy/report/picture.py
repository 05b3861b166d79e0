"""A run as one picture: are the pairs right, does similarity tell so, does training help, when did models swap."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from deploy.report.report import CONTROLS, Report, share
from deploy.report.retrieval import mean_cmap

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's colours: told apart with any colour vision, and in grey.
BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#8A8F98"
INK = "#22262B"
CONTROL_COLOURS = {"oracle": GREEN, "natural only": ORANGE, "random": RED}
ROLLING_SAMPLES = 80
SIMILARITY_BINS = 8
STYLE: Any = {
    "font.size": 11,
    "text.color": INK,
    "axes.edgecolor": "#C4C8CE",
    "axes.labelcolor": INK,
    "axes.titlesize": 13,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E6E8EB",
    "xtick.color": "#5B6068",
    "ytick.color": "#5B6068",
    "legend.frameon": False,
}
HALO: Any = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}


def draw(report: Report, file: Path, title: str) -> None:
    """Writes the picture as PNG."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    file.parent.mkdir(parents=True, exist_ok=True)
    with rc_context(STYLE):
        layout = ConstrainedLayoutEngine(w_pad=0.15, h_pad=0.15)
        figure = Figure(figsize=(14, 9.5), dpi=120, layout=layout, facecolor="white")
        figure.suptitle(title, fontsize=17, fontweight="bold", x=0.012, ha="left")
        grid = figure.add_gridspec(2, 3)
        _precision(figure.add_subplot(grid[0, :]), report)
        _sureness(figure.add_subplot(grid[1, 0]), report)
        _loss(figure.add_subplot(grid[1, 1]), report)
        _retrieval(figure.add_subplot(grid[1, 2]), report)
        figure.savefig(file)


def _precision(axes: "Axes", report: Report) -> None:
    """The same samples twice, in the order in which they came: as first bound, and as their last round has them."""
    series = report.series
    axes.set_title(
        f"Pairs: {share(report.pair_precision)} of best partners are right in the end, "
        f"{share(report.pair_precision_on_arrival)} when they came, {share(report.chance_precision)} would be by chance"
    )
    axes.set(xlabel="bound samples, in the order in which they came", xlim=(0, max(len(series.right), 1)))
    # Above 1 is room for the legend.
    axes.set(ylabel=f"share right, mean of {ROLLING_SAMPLES}", ylim=(0, 1.2), yticks=np.linspace(0, 1, 6))
    for name, colour, style, places, values in curves(report):
        at, means = rolling(values, ROLLING_SAMPLES)
        axes.plot(places[at], means, color=colour, lw=2.0, ls=style, label=name)
    for place, version in swaps(series.version):
        axes.axvline(place, color=ORANGE, lw=1.4)
        axes.annotate(
            f"version {version} swapped in",
            (place, 0.36),
            color=ORANGE,
            rotation=90,
            va="center",
            ha="center",
            size=9,
            bbox=HALO,
        )
    axes.legend(loc="upper left", ncols=3)


def curves(report: Report) -> list[tuple[str, str, str, np.ndarray, np.ndarray]]:
    """Name, colour, line style, places and values: of the samples that had a partner when they came, and no others.

    So that late samples, which may be harder, are in each of them.
    """
    series = report.series
    came = np.array(series.right_on_arrival, dtype=float)
    places = np.flatnonzero(np.isfinite(came))
    return [
        ("in the last round", BLUE, "-", places, np.array(series.right, dtype=float)[places]),
        ("when they came", GREEN, "-", places, came[places]),
        ("by chance", GREY, "--", places, np.array(series.chance, dtype=float)[places]),
    ]


def _sureness(axes: "Axes", report: Report) -> None:
    """Right ones among the best partners, over their confidence, or over similarity where there is none."""
    sure, right = np.array(report.series.confidence, dtype=float), np.array(report.series.right, dtype=float)
    known = np.isfinite(sure)
    if known.sum() < len(sure) / 2:
        sure, known = np.array(report.series.similarity, dtype=float), np.ones(len(right), bool)
        axes.set_title("Alike means right?")
        axes.set(xlabel="similarity of the best partner", ylabel="share right", ylim=(0, 1))
    else:
        axes.set_title("Confident means right?")
        axes.set(xlabel="confidence, said without labels", ylabel="share right", ylim=(0, 1), xlim=(0, 1.03))
        axes.plot((0, 1), (0, 1), color=GREY, lw=1.0, ls=":")
    told = f"{known.sum():,} in all" if known.all() else f"{known.sum():,} of {len(known):,} have one"
    sure, right = sure[known], right[known]
    if len(sure) < SIMILARITY_BINS:
        return
    groups = np.array_split(np.argsort(sure, kind="stable"), SIMILARITY_BINS)
    centres = np.array([sure[group].mean() for group in groups])
    means = np.array([right[group].mean() for group in groups])
    errors = np.array([np.sqrt(max(m * (1 - m), 0.01) / len(group)) for m, group in zip(means, groups, strict=True)])
    axes.errorbar(centres, means, yerr=errors, color=BLUE, marker="o", ms=6, lw=1.8, capsize=0)
    axes.axhline(float(np.mean(report.series.chance)), color=GREY, lw=1.8, ls="--")
    axes.annotate(
        f"each point: {len(groups[0])} samples; {told}",
        (0.98, 0.04),
        xycoords="axes fraction",
        color=GREY,
        size=9,
        ha="right",
    )


def _loss(axes: "Axes", report: Report) -> None:
    axes.set_title("Training")
    axes.set(xlabel="steps", ylabel="loss")
    losses = np.array(report.series.loss)
    if not len(losses):
        return
    steps = np.array(report.series.loss_steps)
    if (np.diff(steps) > 1).any() or len(steps) == 1:
        axes.plot(steps, losses, color=BLUE, marker="o", ms=5, lw=2.2)
    else:
        axes.plot(steps, losses, color=BLUE, lw=0.6, alpha=0.35)
        x, rolled = rolling(losses, 10)
        axes.plot(steps[x], rolled, color=BLUE, lw=2.2)
    top = float(np.nanmax(losses))
    for version, step in sorted(report.series.steps_of_version.items()):
        axes.axvline(step, color=ORANGE, lw=1.0)
        axes.annotate(f"v{version} ", (step, top), color=ORANGE, ha="right", va="top", size=9)


def _retrieval(axes: "Axes", report: Report) -> None:
    axes.set_title("Modalities that never met")
    axes.set(xlabel="model version", ylabel="cross-modal retrieval, mean cmAP")
    by_version = {version: mean_cmap(figures) for version, figures in sorted(report.retrieval_by_version.items())}
    known = {version: value for version, value in by_version.items() if np.isfinite(value)}
    if not known:
        axes.annotate("no labels to judge by", (0.5, 0.5), xycoords="axes fraction", ha="center", color=GREY)
        return
    axes.plot(list(known), list(known.values()), color=BLUE, marker="o", ms=7, lw=2.2)
    axes.annotate("ours", (list(known)[-1], list(known.values())[-1]), (9, 0), color=BLUE, va="center",
                  textcoords="offset points", bbox=HALO)  # fmt: skip
    axes.set_xticks(list(known))
    served = report.worker_model_version
    for version, label in zip(known, axes.get_xticklabels(), strict=True):
        if version == served:
            label.set(weight="bold", color=INK)
            axes.plot(version, known[version], color=BLUE, marker="o", ms=12)
            axes.annotate("served", (version, known[version]), (0, 10), color=BLUE, ha="center", va="bottom",
                          textcoords="offset points", weight="bold", bbox=HALO)  # fmt: skip
    axes.set_xlim(min(known) - 0.5, max(known) + 1.9)
    lines = {name: mean_cmap(getattr(report, field)) for name, field in CONTROLS.items()}
    colours = {**CONTROL_COLOURS, "chance": GREY}
    chances = [one["chance_cmap"] for one in report.retrieval.values() if "chance_cmap" in one]
    lines["chance"] = float(np.mean(chances)) if chances else float("nan")
    heights = [value for value in lines.values() if np.isfinite(value)]
    top = 1.15 * max([*known.values(), *heights])
    for name, value in lines.items():
        if np.isfinite(value):
            axes.axhline(value, color=colours[name], lw=1.6, ls="--" if name == "chance" else "-")
            # Below its line where the next one above is near.
            is_below = any(0 <= other - value < 0.06 * top for other in heights if other != value)
            axes.annotate(name, (0.985, value), (0, -2 if is_below else 2), xycoords=("axes fraction", "data"),
                          color=colours[name], textcoords="offset points", ha="right", size=10,
                          va="top" if is_below else "bottom")  # fmt: skip
    axes.set_ylim(0, top)


def rolling(values: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Places and means of the last `width` values, from a quarter of the width on."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    ends = np.arange(min(max(1, width // 4), len(values)), len(values) + 1)
    ends = ends[ends > 0]
    starts = np.maximum(ends - width, 0)
    return ends - 1, (sums[ends] - sums[starts]) / (ends - starts)


def swaps(versions: list[int]) -> list[tuple[int, int]]:
    """Where a higher version than all before made its first pair: (place, version)."""
    found, highest = [], versions[0] if versions else 0
    for place, version in enumerate(versions):
        if version > highest:
            found.append((place, version))
            highest = version
    return found
