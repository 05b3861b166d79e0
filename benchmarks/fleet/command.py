"""What each disorder of real fleets costs in pair precision, and what a rotation-tolerant descriptor gives back.

    python -m benchmarks.fleet [--sets watch,utd,mhealth] [--descriptors auto,oriented,rotation-tolerant]
        [--disorders A,B] [--seeds 5] [--json FILE]

The watch recordings, and UTD-MHAD and MHEALTH where MMBIND_TEST_DATA names a folder that holds them. All samples in an
order drawn for each seed are bound through the product's pipeline from an empty history on; labels only judge whether
each sample's best partner is right. Differences are to the undisturbed stream in the same order with the same
descriptor, once of all samples and once of those whose windows were changed.
"""

import argparse
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from benchmarks.fleet.data import Outcome, find_sets, in_random_order, run
from benchmarks.fleet.disorders import DISORDERS
from deploy.recordings.recordings import Recordings
from streams.settings import BindingSettings

UNDISTURBED = "undisturbed"
DESCRIPTORS = ("oriented", "auto", "rotation-tolerant")


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one disorder, a value for each seed, in percent and points.

    `difference` is to the undisturbed stream, `touched` the same among the changed samples only, `from_oriented` to the
    same stream with the default descriptor. NaN where there is nothing to compare.
    """

    precision: tuple[float, ...]
    difference: tuple[float, ...]
    touched: tuple[float, ...]
    natural_edges: tuple[float, ...]
    from_oriented: tuple[float, ...]


def measure(
    sets: Mapping[str, Recordings],
    descriptors: Sequence[str],
    disorders: Sequence[str],
    seeds: int,
    progress: Progress | None = None,
) -> dict[str, dict[str, dict[str, Figures]]]:
    """Figures by set, descriptor and disorder; the undisturbed stream is always among them, first."""
    names = [UNDISTURBED, *(one for one in disorders if one != UNDISTURBED)]
    shown = progress or Progress(disable=True)
    task = shown.add_task("binding", total=len(sets) * len(descriptors) * len(names) * seeds)
    figures: dict[str, dict[str, dict[str, Figures]]] = {}
    for name, recordings in sets.items():
        outcomes: dict[tuple[str, str], list[Outcome]] = {}
        for descriptor in descriptors:
            binding = BindingSettings.model_validate({"descriptor": descriptor})
            for disorder in names:
                for seed in range(seeds):
                    shown.update(task, description=f"{name}, {descriptor}, {disorder}")
                    outcomes.setdefault((descriptor, disorder), []).append(run(recordings, disorder, seed, binding))
                    shown.advance(task)
        figures[name] = {
            descriptor: {disorder: _figures(outcomes, descriptor, disorder) for disorder in names}
            for descriptor in descriptors
        }
    return figures


def _figures(outcomes: Mapping[tuple[str, str], Sequence[Outcome]], descriptor: str, disorder: str) -> Figures:
    own, still = outcomes[descriptor, disorder], outcomes[descriptor, UNDISTURBED]
    oriented = outcomes.get(("oriented", disorder), [])
    return Figures(
        precision=_percent(one.precision() for one in own),
        difference=_percent(one.precision() - other.precision() for one, other in zip(own, still, strict=True)),
        touched=_percent(
            one.precision(one.touched) - other.precision(one.touched) for one, other in zip(own, still, strict=True)
        ),
        natural_edges=_percent(one.natural_edges for one in own),
        from_oriented=_percent(
            one.precision() - other.precision() for one, other in zip(own, oriented, strict=bool(oriented))
        ),
    )


def table(name: str, n_samples: int, by_descriptor: Mapping[str, Mapping[str, Figures]]) -> Table:
    """Mean ± sd over the seeds, a block of rows for each descriptor."""
    shown = Table(title=f"{name}: best partner right, {n_samples} samples from an empty history on")
    for column in ("descriptor", "disorder", "right, %", "difference", "of the changed", "natural edges, %", "gain"):
        shown.add_column(column, justify="left" if column in ("descriptor", "disorder") else "right")
    for descriptor, disorders in by_descriptor.items():
        for i, (disorder, one) in enumerate(disorders.items()):
            still = disorder == UNDISTURBED
            cells = [_cell(one.precision), *("" if still else _cell(two, "+") for two in (one.difference, one.touched))]
            gain = "" if descriptor == "oriented" else _cell(one.from_oriented, "+")
            shown.add_row("" if i else descriptor, disorder, *cells, f"{np.mean(one.natural_edges):.0f}", gain)
        shown.add_section()
    shown.caption = "difference: to undisturbed, in points; gain: to the same stream with the oriented descriptor"
    return shown


def as_json(figures: Mapping[str, Mapping[str, Mapping[str, Figures]]], seeds: int) -> dict[str, object]:
    """Means, sds and the values of each seed; what cannot be compared is null."""
    return {
        "seeds": seeds,
        "sets": {
            name: {
                descriptor: {
                    disorder: {field: _summary(getattr(one, field)) for field in Figures.__dataclass_fields__}
                    for disorder, one in disorders.items()
                }
                for descriptor, disorders in by_descriptor.items()
            }
            for name, by_descriptor in figures.items()
        },
    }


def _summary(values: Sequence[float]) -> dict[str, object] | None:
    if not np.isfinite(values).all() or not len(values):
        return None
    return {"mean": float(np.mean(values)), "sd": _sd(values), "values": list(values)}


def _percent(values: Iterable[float]) -> tuple[float, ...]:
    return tuple(100 * value for value in values)


def _sd(values: Sequence[float]) -> float | None:
    return float(np.std(values, ddof=1)) if len(values) > 1 else None


def _cell(values: Sequence[float], sign: str = "") -> str:
    if not len(values) or not np.isfinite(values).all():
        return "-"
    sd = _sd(values)
    return f"{np.mean(values):{sign}.1f}" + ("" if sd is None else f" ± {sd:.1f}")


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", default="", help="of watch, utd, mhealth; without it: those that are there")
    parser.add_argument("--descriptors", default=",".join(DESCRIPTORS))
    parser.add_argument("--disorders", default="", help=f"of: {'; '.join(DISORDERS)}".replace("%", "%%"))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    found = parser.parse_args(given)
    for name, known in (("descriptors", DESCRIPTORS), ("disorders", tuple(DISORDERS))):
        chosen = _names(getattr(found, name)) or list(known)
        if unknown := [one for one in chosen if one not in known]:
            parser.error(f"--{name} {','.join(unknown)}: wanted some of {'; '.join(known)}")
        setattr(found, name, chosen)
    return found


def _names(given: str) -> list[str]:
    return [one.strip() for one in given.replace(";", ",").split(",") if one.strip()]


def main() -> None:
    """Runs the benchmark."""
    given = arguments()
    console = Console()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    sets = find_sets(_names(given.sets))
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console, transient=True) as progress:
        figures = measure(sets, given.descriptors, given.disorders, given.seeds, progress)
    for name, by_descriptor in figures.items():
        n_samples = len({(one.source_id, one.start_ns) for one in in_random_order(sets[name], 0)})
        console.print(table(name, n_samples, by_descriptor))
    if given.json:
        given.json.write_text(json.dumps(as_json(figures, given.seeds), indent=1) + "\n")
