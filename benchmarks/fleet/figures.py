"""Figures of the fleet benchmark: what each disorder costs, seed by seed, and what a descriptor gives back."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.progress import Progress

from benchmarks.fleet.outcome import Outcome, outcome_of
from benchmarks.spread import Spread, spread
from deploy.recordings.recordings import Recordings
from streams.settings import BindingSettings

UNDISTURBED = "undisturbed"
ORIENTED = "oriented"
DESCRIPTORS = (ORIENTED, "auto", "rotation-tolerant")


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one disorder over the seeds, in percent and points.

    `difference` is to the undisturbed stream, `touched` the same among the changed samples only, `from_oriented` to the
    same stream with the oriented descriptor. Empty or NaN where there is nothing to compare.
    """

    precision: Spread
    difference: Spread
    touched: Spread
    natural_edges: Spread
    from_oriented: Spread


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
        for descriptor, disorder, seed in _runs(descriptors, names, seeds):
            shown.update(task, description=f"{name}, {descriptor}, {disorder}")
            binding = BindingSettings.model_validate({"descriptor": descriptor})
            outcomes.setdefault((descriptor, disorder), []).append(outcome_of(recordings, disorder, seed, binding))
            shown.advance(task)
        figures[name] = {
            descriptor: {disorder: _figures(outcomes, descriptor, disorder) for disorder in names}
            for descriptor in descriptors
        }
    return figures


def _runs(descriptors: Sequence[str], disorders: Sequence[str], seeds: int) -> Iterator[tuple[str, str, int]]:
    for descriptor in descriptors:
        for disorder in disorders:
            for seed in range(seeds):
                yield descriptor, disorder, seed


def _figures(outcomes: Mapping[tuple[str, str], Sequence[Outcome]], descriptor: str, disorder: str) -> Figures:
    own, still = outcomes[descriptor, disorder], outcomes[descriptor, UNDISTURBED]
    oriented = outcomes.get((ORIENTED, disorder), [])
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


def _percent(values: Iterable[float]) -> Spread:
    return spread(100 * value for value in values)
