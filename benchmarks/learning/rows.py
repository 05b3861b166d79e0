"""The learning benchmark's rows, and figures over them. A row is one arm, rotation and seed."""

from collections.abc import Iterable
from pathlib import Path

import msgspec
import numpy as np

from benchmarks.learning.arms import CEILING, OURS

# A ceiling that is no higher than this above the floor leaves nothing to close.
MIN_GAP = 1e-6


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One run. `fingerprint` stands for all settings and the code that it was made with."""

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
    def run(self) -> tuple[str, str, int, int]:
        """What was run: mode, arm, rotation, seed."""
        return self.mode, self.arm, self.rotation, self.seed


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
    """The rows of one mode, and those of others beside it."""

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

    def steps(self, arm: str) -> set[int]:
        """How many steps the runs of an arm took."""
        return {row.n_steps for row in self._by_arm.get((self.mode, arm), {}).values()}

    def difference(self, arm: str, other: str, figure: str = "cmap", part: str = "encoders") -> list[float]:
        """Run by run, of those that have both."""
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

    def gap_closed(self, floor: str, ends: str = "", arm: str = OURS) -> dict[str, float]:
        """An arm between the floor and the ceiling: of the means over all runs; `sd` over rotations, seeds averaged.

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
        closed = (own - bottom) / (top - bottom) if top - bottom > MIN_GAP else float("nan")
        return {"mean": closed, "sd": spread(shares)["sd"], "n": len(keys)}

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
