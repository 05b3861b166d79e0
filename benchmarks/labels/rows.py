"""A fold's figures, one row for each kind, count of labels and draw."""

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.data_sets import read_data_set
from benchmarks.labels.arms import ARMS, CLASSIFIER, OURS, Told, told_by
from benchmarks.labels.fleet import Fleet, fleet_of
from benchmarks.labels.taught import PSEUDO, SPREAD, STRAIGHT, TRUE, Pupil, Straight


@dataclass(frozen=True, slots=True)
class Plan:
    """Labels a class, draws of them, and whether encoders are trained for the arm that goes straight."""

    n_labels: tuple[int, ...]
    n_seeds: int
    with_encoders: bool


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One draw: `told` by arm of the kind that had no label, `taught` accuracies by teacher, where there are any."""

    n_labels: int
    kind: int
    told: Mapping[str, Told]
    taught: Mapping[str, float]


def rows_of(plan: Plan, named: tuple[str, int]) -> list[Row]:
    """Of a data set and a fold of it, both ways round."""
    name, fold = named
    fleet = fleet_of(read_data_set(name), fold)
    straight = Straight(fleet, seed=fold) if plan.with_encoders and all(fleet.own) else None
    return [row for kind in range(2) for row in _rows_of_kind(fleet, kind, straight, plan)]


def _rows_of_kind(fleet: Fleet, kind: int, straight: Straight | None, plan: Plan) -> list[Row]:
    """Labels are wanted of this kind; those of the other one are given."""
    rows = []
    pupil = Pupil(fleet, kind) if fleet.own[kind] else None
    true = [label for label, one in zip(fleet.labels, fleet.kinds, strict=True) if one == kind]
    limit = {TRUE: pupil.accuracy(true)} if pupil else {}
    for n_labels in plan.n_labels:
        for seed in range(plan.n_seeds):
            given = fleet.few(1 - kind, n_labels, seed)
            told = {arm: told_by(arm, fleet, given, kind) for arm in ARMS}
            taught = dict(limit)
            if pupil:
                taught[SPREAD] = pupil.accuracy(told[OURS].said)
                taught[PSEUDO] = pupil.accuracy(told[CLASSIFIER].said)
            if straight:
                taught[STRAIGHT] = straight.accuracy(given, kind)
            rows.append(Row(n_labels, kind, told, taught))
    return rows
