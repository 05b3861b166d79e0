"""What one payload says, in whichever format: values at a time. Performs no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Measured:
    """Values of one moment, by channel; `node` and `name` (of the sensor) are what the payload calls them, if it does.

    `rows` in place of `values`: samples without channels' names, which are one `[C]` or many `[n, C]`.
    """

    t_ns: int
    values: Mapping[str, float] = field(default_factory=dict)
    rows: list[float] | list[list[float]] | None = None
    node: str | None = None
    name: str | None = None
    units: Mapping[str, str] = field(default_factory=dict)
