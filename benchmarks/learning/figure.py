"""The learning benchmark as a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


def draw(results: Mapping[str, Any], modes: Sequence[str], file: Path) -> None:
    """Bars of every arm's cmAP with their sd, a panel a mode."""
    n_bars = max(len(results[mode]["arms"]) for mode in modes)
    figure = Figure(figsize=(1 + 5 * len(modes), 0.8 + 0.4 * n_bars), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, mode in zip(figure.subplots(1, len(modes), squeeze=False)[0], modes, strict=True):
        arms = list(results[mode]["arms"])
        means = [100 * results[mode]["arms"][arm]["cmap"].mean for arm in arms]
        errors = [100 * np.nan_to_num(results[mode]["arms"][arm]["cmap"].sd) for arm in arms]
        colours = ["tab:orange" if arm.startswith("ours") else "tab:gray" for arm in arms]
        axes.barh(arms, means, xerr=errors, color=colours)
        axes.invert_yaxis()
        axes.set(title=mode, xlabel="cmAP between modalities that never met, % (mean, sd)")
    figure.savefig(file, dpi=120)
