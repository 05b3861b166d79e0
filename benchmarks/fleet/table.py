"""The fleet benchmark's figures as a table."""

from collections.abc import Mapping

from rich.table import Table

from benchmarks.fleet.figures import ORIENTED, UNDISTURBED, Figures


def table(name: str, n_samples: int, by_descriptor: Mapping[str, Mapping[str, Figures]]) -> Table:
    """Mean ± sd over the seeds, a block of rows for each descriptor."""
    shown = Table(title=f"{name}: best partner right, {n_samples} samples from an empty history on")
    for column in ("descriptor", "disorder", "right, %", "difference", "of the changed", "natural edges, %", "gain"):
        shown.add_column(column, justify="left" if column in ("descriptor", "disorder") else "right")
    for descriptor, disorders in by_descriptor.items():
        for i, (disorder, one) in enumerate(disorders.items()):
            still = disorder == UNDISTURBED
            cells = [one.precision.cell(), *("" if still else two.cell("+") for two in (one.difference, one.touched))]
            gain = "" if descriptor == ORIENTED else one.from_oriented.cell("+")
            shown.add_row("" if i else descriptor, disorder, *cells, f"{one.natural_edges.mean:.0f}", gain)
        shown.add_section()
    shown.caption = "difference: to undisturbed, in points; gain: to the same stream with the oriented descriptor"
    return shown
