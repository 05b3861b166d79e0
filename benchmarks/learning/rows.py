"""The learning benchmark's rows, and figures over them. A row is one arm, rotation and seed."""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from benchmarks.learning.arms import CEILING, OURS
from benchmarks.spread import NAN, Spread, spread

# A ceiling that is no higher than this above the floor (cmAP, a share) leaves nothing to close.
MIN_GAP = 1e-6


class Run(NamedTuple):
    """What makes one row."""

    mode: str
    arm: str
    rotation: int
    seed: int

    def __str__(self) -> str:
        return f"{self.mode}, {self.arm}, rotation {self.rotation}, seed {self.seed}"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one run. `fingerprint` stands for all settings and the code that it was made with."""

    mode: str
    arm: str
    rotation: int
    seed: int
    fingerprint: str
    encoders: dict[str, float]
    pairs: dict[str, float]
    n_steps: int = 0
    seconds: float = 0.0

    @property
    def run(self) -> Run:
        """The run that made it."""
        return Run(self.mode, self.arm, self.rotation, self.seed)


class Rows:
    """The rows of one mode, and those of others beside it."""

    def __init__(self, rows: Iterable[Row], mode: str) -> None:
        self.mode = mode
        self._by_arm: dict[tuple[str, str], dict[tuple[int, int], Row]] = {}
        for row in rows:
            self._by_arm.setdefault((row.mode, row.arm), {})[row.rotation, row.seed] = row

    def arms(self) -> list[str]:
        """The mode's arms, in the order of their rows."""
        return [arm for mode, arm in self._by_arm if mode == self.mode]

    def values(self, arm: str, figure: str, part: str = "encoders", mode: str = "") -> dict[tuple[int, int], float]:
        """A figure by rotation and seed."""
        rows = self._by_arm.get((mode or self.mode, arm), {})
        parts = {key: row.encoders if part == "encoders" else row.pairs for key, row in rows.items()}
        return {key: one[figure] for key, one in parts.items() if figure in one}

    def steps(self, arm: str) -> set[int]:
        """The numbers of steps that the runs of an arm took: one, if all took as many."""
        return {row.n_steps for row in self._by_arm.get((self.mode, arm), {}).values()}

    def difference(self, arm: str, other: str, figure: str = "cmap", part: str = "encoders") -> list[float]:
        """How much higher the one's figure is, run by run, of those that have both."""
        own, others = self.values(arm, figure, part), self.values(other, figure, part)
        return [own[key] - others[key] for key in sorted(own.keys() & others.keys())]

    def above(self, arm: str, other: str) -> list[dict[str, float]]:
        """Rotations and seeds in which the one's cmAP is above the other's, and by how many points."""
        own, others = self.values(arm, "cmap"), self.values(other, "cmap")
        return [
            {"rotation": key[0], "seed": key[1], "points": 100 * (own[key] - others[key])}
            for key in sorted(own.keys() & others.keys())
            if own[key] > others[key]
        ]

    def gap_closed(self, floor: str, ends: str = "", arm: str = OURS) -> Spread:
        """An arm's share of the way from the floor to the ceiling: of the means over all `n` runs.

        `sd` and `values` are over rotations, seeds averaged.

        Args:
            floor: An arm.
            ends: The mode of floor and ceiling, this one's without it.
            arm: Whose gap.
        """
        ours = self.values(arm, "cmap")
        low, high = self.values(floor, "cmap", mode=ends), self.values(CEILING, "cmap", mode=ends)
        keys = sorted(ours.keys() & low.keys() & high.keys())
        shares = []
        for rotation in sorted({key[0] for key in keys}):
            own, bottom, top = (_mean(one[key] for key in keys if key[0] == rotation) for one in (ours, low, high))
            if top - bottom > MIN_GAP:
                shares.append((own - bottom) / (top - bottom))
        own, bottom, top = (_mean(one[key] for key in keys) for one in (ours, low, high))
        closed = (own - bottom) / (top - bottom) if top - bottom > MIN_GAP else NAN
        return Spread(closed, spread(shares).sd, len(keys), tuple(shares))

    def predictions(self) -> list[dict[str, float]]:
        """Of each rotation, seeds averaged: precision of ours as predicted without labels, the truth, the difference.

        The truth is that of the same pairs: offline of those by generation 0, after which none are predicted.
        """
        predicted, last = self.values(OURS, "predicted", "pairs"), self.values(OURS, "precision", "pairs")
        true = last | self.values(OURS, "predicted_of", "pairs")
        found = []
        for rotation in sorted({key[0] for key in last}):
            keys = [key for key in predicted if key[0] == rotation]
            said, truth = _mean(predicted[key] for key in keys), _mean(true[key] for key in keys)
            row = {"rotation": rotation, "n": len(keys), "predicted": said, "true": truth}
            found.append({**row, "points_off": 100 * (said - truth)})
        return found


def _mean(values: Iterable[float]) -> float:
    return spread(values).mean
