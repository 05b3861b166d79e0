"""From the learning benchmark's rows to its figures, table and picture. A row is one arm, rotation and seed."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from rich.table import Table

from benchmarks.learning_arms import LOSSES, MEANING

FIGURES = ("cmap", "r_at_1", "zs", "mrr", "frozen")
PAIR_FIGURES = ("precision", "all", "covered", "used", "largest_use", "at_25", "at_50", "at_75")
OFFLINE = "offline"
FLOOR, FLOOR_SAME_LOSS, CEILING = "natural/plain", "natural/soft", "oracle/soft"
OURS, MMBIND, MMBIND_SAME_LOSS = "ours/soft", "mmbind/plain", "mmbind/soft"
# A ceiling that is no higher than this above the floor leaves nothing to close.
MIN_GAP = 1e-6


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One run. `fingerprint` stands for all settings that it was made with."""

    mode: str
    arm: str
    rotation: int
    seed: int
    fingerprint: str
    encoders: dict[str, float]
    pairs: dict[str, float]
    seconds: float = 0.0

    @property
    def identity(self) -> tuple[str, str, int, int, str]:
        """Two rows of one identity are the same run."""
        return self.mode, self.arm, self.rotation, self.seed, self.fingerprint


def read_rows(file: Path) -> list[Row]:
    """The rows of a file; a last line that was cut off is left out."""
    if not file.exists():
        return []
    rows = []
    for line in file.read_bytes().splitlines():
        try:
            rows.append(msgspec.json.decode(line, type=Row))
        except msgspec.DecodeError:
            continue
    return rows


def spread(values: Iterable[float]) -> dict[str, float]:
    """Mean and standard deviation over runs, and how many there were."""
    array = np.array([one for one in values if np.isfinite(one)], float)
    if not len(array):
        return {"mean": float("nan"), "sd": float("nan"), "n": 0}
    sd = float(array.std(ddof=1)) if len(array) > 1 else float("nan")
    return {"mean": float(array.mean()), "sd": sd, "n": len(array)}


def _mean(values: Iterable[float]) -> float:
    return spread(values)["mean"]


class Rows:
    """The rows of one mode, and the offline ones beside it."""

    def __init__(self, rows: Iterable[Row], mode: str) -> None:
        self.mode = mode
        self._by_arm: dict[tuple[str, str], dict[tuple[int, int], Row]] = {}
        for row in rows:
            self._by_arm.setdefault((row.mode, row.arm), {})[row.rotation, row.seed] = row

    def arms(self) -> list[str]:
        """In the order in which they were run."""
        return [arm for mode, arm in self._by_arm if mode == self.mode]

    def values(self, arm: str, figure: str, part: str = "encoders", mode: str = "") -> dict[tuple[int, int], float]:
        """A figure by rotation and seed."""
        rows = self._by_arm.get((mode or self.mode, arm), {})
        parts = {key: row.encoders if part == "encoders" else row.pairs for key, row in rows.items()}
        return {key: one[figure] for key, one in parts.items() if figure in one}

    def difference(self, arm: str, other: str, figure: str = "cmap") -> list[float]:
        """Run by run, of those that have both."""
        own, others = self.values(arm, figure), self.values(other, figure)
        return [own[key] - others[key] for key in sorted(own.keys() & others.keys())]

    def gap_closed(self, floor: str, ceiling: str = CEILING, ends: str = "") -> dict[str, float]:
        """Ours between the floor and the ceiling: of the means over all runs; `sd` over rotations, seeds averaged.

        Args:
            floor: An arm.
            ceiling: Another.
            ends: The mode of floor and ceiling, this one's without it.
        """
        ours = self.values(OURS, "cmap")
        low, high = self.values(floor, "cmap", mode=ends), self.values(ceiling, "cmap", mode=ends)
        keys = sorted(ours.keys() & low.keys() & high.keys())
        shares = []
        for rotation in sorted({key[0] for key in keys}):
            own, bottom, top = (_mean(one[key] for key in keys if key[0] == rotation) for one in (ours, low, high))
            if top - bottom > MIN_GAP:
                shares.append((own - bottom) / (top - bottom))
        own, bottom, top = (_mean(one[key] for key in keys) for one in (ours, low, high))
        closed = (own - bottom) / (top - bottom) if top - bottom > MIN_GAP else float("nan")
        return {"mean": closed, "sd": spread(shares)["sd"], "n": len(keys)}


def summary(rows: Iterable[Row], mode: str) -> dict[str, Any]:
    """What a mode reached. Gaps of an online mode end at the offline arms; `..._online_controls` at its own."""
    found = Rows(rows, mode)
    ends = OFFLINE
    figures: dict[str, Any] = {
        "gap_closed": found.gap_closed(FLOOR, ends=ends),
        "gap_closed_same_loss": found.gap_closed(FLOOR_SAME_LOSS, ends=ends),
        "pair_precision": spread(found.values(OURS, "precision", "pairs").values()),
        "margin_over_mmbind": spread(100 * one for one in found.difference(OURS, MMBIND)),
        "margin_over_mmbind_same_loss": spread(100 * one for one in found.difference(OURS, MMBIND_SAME_LOSS)),
    }
    if mode != OFFLINE:
        figures["gap_closed_online_controls"] = found.gap_closed(FLOOR)
        figures["gap_closed_same_loss_online_controls"] = found.gap_closed(FLOOR_SAME_LOSS)
    figures["arms"] = {
        arm: {figure: spread(found.values(arm, figure).values()) for figure in (*FIGURES, "chance_cmap")}
        | {
            f"pairs/{figure}": spread(values.values())
            for figure in PAIR_FIGURES
            if (values := found.values(arm, figure, "pairs"))
        }
        | {"ours_minus_this": spread(100 * one for one in found.difference(OURS, arm))}
        for arm in found.arms()
    }
    return figures


def table(figures: Mapping[str, Any], title: str) -> Table:
    """Percentages, mean ± sd over rotations and seeds; the last column is the paired difference of cmAP."""
    shown = Table(title=title, caption=_caption(figures))
    for name in ("arm", "runs", "pairs", "all pairs", "cmAP", "cR1", "zs", "MRR", "frozen", "ours - this"):
        shown.add_column(name, justify="left" if name == "arm" else "right", no_wrap=name != "arm")
    for arm, one in figures["arms"].items():
        pairs, loss = arm.partition("/")[::2]
        name = MEANING[pairs] + (f", {LOSSES[loss]}" if loss else "")
        cells = [_percent(one.get(f"pairs/{figure}")) for figure in ("precision", "all")]
        cells += [_percent(one[figure]) for figure in FIGURES]
        shown.add_row(name, str(one["cmap"]["n"]), *cells, _points(one["ours_minus_this"]))
    return shown


def _caption(figures: Mapping[str, Any]) -> str:
    gaps = [f"{name.replace('_', ' ')}: {_percent(one)} %" for name, one in figures.items() if name.startswith("gap")]
    margin = f"margin over MMBind: {_points(figures['margin_over_mmbind'])} points"
    return "\n".join([*gaps, margin])


def _percent(one: Mapping[str, float] | None) -> str:
    if not one or not one["n"]:
        return "-"
    return f"{100 * one['mean']:.1f}" + (f" ± {100 * one['sd']:.1f}" if np.isfinite(one["sd"]) else "")


def _points(one: Mapping[str, float]) -> str:
    if not one["n"]:
        return "-"
    return f"{one['mean']:+.1f}" + (f" ± {one['sd']:.1f}" if np.isfinite(one["sd"]) else "")


def draw(results: Mapping[str, Any], modes: Sequence[str], file: Path) -> None:
    """Bars of every arm's cmAP with their sd, a panel a mode."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 0.8 + 0.4 * max(len(results[mode]["arms"]) for mode in modes)), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, mode in zip(figure.subplots(1, len(modes), squeeze=False)[0], modes, strict=True):
        arms = list(results[mode]["arms"])
        means = [100 * results[mode]["arms"][arm]["cmap"]["mean"] for arm in arms]
        errors = [100 * np.nan_to_num(results[mode]["arms"][arm]["cmap"]["sd"]) for arm in arms]
        colours = ["tab:orange" if arm.startswith("ours") else "tab:gray" for arm in arms]
        axes.barh(arms, means, xerr=errors, color=colours)
        axes.invert_yaxis()
        axes.set(title=mode, xlabel="cmAP between modalities that never met, % (mean, sd)")
    figure.savefig(file, dpi=120)
