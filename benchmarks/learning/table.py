"""From the learning benchmark's rows to its summary and its tables."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from rich.table import Table

from benchmarks.learning.arms import (
    FLOOR,
    FLOOR_SAME_LOSS,
    LOSSES,
    MEANING,
    MMBIND,
    MMBIND_SAME_LOSS,
    OURS,
)
from benchmarks.learning.rows import Row, Rows
from benchmarks.spread import NAN, Spread, spread

FIGURES = ("cmap", "r_at_1", "zs", "mrr", "frozen")
PAIR_FIGURES = ("precision", "all", "covered", "used", "largest_use", "at_25", "at_50", "at_75")
OFFLINE = "offline"


def summary(rows: Iterable[Row], mode: str) -> dict[str, Any]:
    """What a mode reached. Gaps of an online mode end at the offline arms; `..._online_controls` at its own."""
    found = Rows(rows, mode)
    figures: dict[str, Any] = {
        "gap_closed": found.gap_closed(FLOOR, OFFLINE),
        "gap_closed_same_loss": found.gap_closed(FLOOR_SAME_LOSS, OFFLINE),
        "pair_precision": spread(found.values(OURS, "precision", "pairs").values()),
        "margin_over_mmbind": spread(100 * one for one in found.difference(OURS, MMBIND)),
        "margin_over_mmbind_same_loss": spread(100 * one for one in found.difference(OURS, MMBIND_SAME_LOSS)),
    }
    if mode != OFFLINE:
        figures["gap_closed_online_controls"] = found.gap_closed(FLOOR)
        figures["gap_closed_same_loss_online_controls"] = found.gap_closed(FLOOR_SAME_LOSS)
    figures["random_above_natural"] = {
        loss: found.above(f"random/{loss}", f"natural/{loss}")
        for loss in LOSSES
        if found.difference(f"random/{loss}", f"natural/{loss}")
    }
    figures["estimate"] = found.predictions()
    figures["steps"] = sorted({steps for arm in found.arms() for steps in found.steps(arm) if arm != "untrained"})
    figures["arms"] = {arm: _figures_of(found, arm) for arm in found.arms()}
    return figures


def _figures_of(found: Rows, arm: str) -> dict[str, Any]:
    pairs = {figure: found.values(arm, figure, "pairs") for figure in PAIR_FIGURES}
    return {
        **{figure: spread(found.values(arm, figure).values()) for figure in (*FIGURES, "chance_cmap")},
        **{f"pairs/{figure}": spread(values.values()) for figure, values in pairs.items() if values},
        "gap_closed": found.gap_closed(FLOOR, OFFLINE, arm),
        "ours_minus_this": spread(100 * one for one in found.difference(OURS, arm)),
        "ours_minus_this_precision": spread(100 * one for one in found.difference(OURS, arm, "precision", "pairs")),
    }


def table(figures: Mapping[str, Any], title: str) -> Table:
    """Percentages, mean ± sd over rotations and seeds; the last column is the paired difference of cmAP."""
    shown = Table(title=title, caption=caption(figures), caption_justify="left")
    names = ("arm", "runs", "pairs", "all pairs", "cmAP", "cR1", "zs", "MRR", "frozen", "gap closed", "ours - this")
    for name in names:
        shown.add_column(name, justify="left" if name == "arm" else "right", no_wrap=name != "arm")
    for arm, one in figures["arms"].items():
        cells = [percent(one.get(f"pairs/{figure}")) for figure in ("precision", "all")]
        cells += [percent(one[figure]) for figure in FIGURES]
        gap = percent(msgspec.structs.replace(one["gap_closed"], sd=NAN))
        shown.add_row(name_of(arm), str(one["cmap"].n), *cells, gap, one["ours_minus_this"].cell("+"))
    return shown


def ablation_table(figures: Mapping[str, Mapping[str, Any]], title: str) -> Table:
    """All modes side by side: cmAP and pair precision of each arm, and by how many points ours is above it.

    Args:
        figures: The summary of each mode.
        title: Of the table.
    """
    shown = Table(title=title, caption="paired differences of cmAP and of pair precision, mean ± sd", min_width=100)
    shown.add_column("arm")
    for mode in figures:
        for name in ("runs", "cmAP", "ours - this", "pairs", "ours - this"):
            shown.add_column(f"{mode}\n{name}", justify="right", no_wrap=True)
    for arm in dict.fromkeys(arm for one in figures.values() for arm in one["arms"]):
        cells = []
        for mode in figures:
            one = figures[mode]["arms"].get(arm)
            if one is None:
                cells += ["-"] * 5
                continue
            cells += [str(one["cmap"].n), percent(one["cmap"]), one["ours_minus_this"].cell("+")]
            cells += [percent(one.get("pairs/precision")), one["ours_minus_this_precision"].cell("+")]
        shown.add_row(name_of(arm), *cells)
    return shown


def name_of(arm: str) -> str:
    """An arm in words."""
    pairs, loss = arm.partition("/")[::2]
    return MEANING[pairs] + (f", {LOSSES[loss]}" if loss else "")


def caption(figures: Mapping[str, Any]) -> str:
    """What the mode reached, in a few lines."""
    gaps = {name.replace("_", " "): one for name, one in figures.items() if name.startswith("gap") and one.n}
    lines = [f"{name}: {percent(one)} %" for name, one in gaps.items()]
    if figures["margin_over_mmbind"].n:
        lines.append(f"margin over MMBind: {figures['margin_over_mmbind'].cell('+')} points")
    for loss, above in figures["random_above_natural"].items():
        where = ", ".join(f"rotation {one['rotation']} seed {one['seed']} by {one['points']:.1f}" for one in above)
        lines.append(f"random pairs above natural edges, {LOSSES[loss]}: {where or 'never'}")
    for one in figures["estimate"]:
        said = f"{100 * one['predicted']:.1f} % predicted" if one["n"] else "no estimate"
        off = f", {100 * one['true']:.1f} % true, {one['points_off']:+.1f} points" if one["n"] else ""
        lines.append(f"pair precision, rotation {one['rotation']}: {said}{off}")
    return "\n".join(lines)


def percent(share: Spread | None) -> str:
    """Mean and sd in percent; a dash where there is none."""
    return "-" if share is None else share.cell(times=100)
