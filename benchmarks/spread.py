"""Mean and standard deviation of a figure over runs, as numbers and as a table's cell."""

import math
from collections.abc import Iterable

import msgspec
import numpy as np

NAN = float("nan")


class Spread(msgspec.Struct, frozen=True):
    """Mean and standard deviation of `n` runs, NaN (in JSON null) where there are too few; `values`: run by run."""

    mean: float
    sd: float
    n: int
    values: tuple[float, ...] = ()

    def cell(self, sign: str = "", times: float = 1.0) -> str:
        """`12.3 ± 0.4`, without the sd where there is none; a dash where there is no mean.

        Args:
            sign: "+" to show it of means above 0 too.
            times: What both are multiplied by: 100 for percent of a share.
        """
        if not self.n or not math.isfinite(self.mean):
            return "-"
        return f"{times * self.mean:{sign}.1f}" + (f" ± {times * self.sd:.1f}" if math.isfinite(self.sd) else "")


def spread(values: Iterable[float]) -> Spread:
    """Mean and sample sd (n - 1) of the finite ones; `values` holds all of them, so that runs stay paired."""
    every = tuple(float(one) for one in values)
    finite = np.array([one for one in every if math.isfinite(one)])
    sd = float(finite.std(ddof=1)) if len(finite) > 1 else NAN
    return Spread(float(finite.mean()) if len(finite) else NAN, sd, len(finite), every)
