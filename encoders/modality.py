"""What one kind of sensor delivers. Performs no I/O."""

import re

import msgspec

NAME_PATTERN = r"[a-z0-9-]+"
MAX_NUMBER = 10_000_000  # of steps, of channels, of Hz


class ModalitySpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The shape and meaning of one modality's windows, `[n_steps, n_channels]` float32.

    Raises:
        ValueError: If the name is not of `[a-z0-9-]+` or a number is not above 0.
    """

    name: str
    n_channels: int
    n_steps: int
    rate_hz: float
    unit: str = ""
    channels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not re.fullmatch(NAME_PATTERN, self.name):
            raise ValueError(f"modality name {self.name!r}: wanted lower-case letters, digits and '-'")
        for field, value in (
            ("n_channels", self.n_channels),
            ("n_steps", self.n_steps),
            ("rate_hz", self.rate_hz),
        ):
            if not 0 < value <= MAX_NUMBER:  # false for NaN too
                raise ValueError(f"modality {self.name!r}: {field} is {value}, wanted above 0, at most {MAX_NUMBER}")
        if self.channels and len(self.channels) != self.n_channels:
            raise ValueError(
                f"modality {self.name!r}: channels names {len(self.channels)} channels, "
                f"n_channels says {self.n_channels}"
            )

    @property
    def duration_s(self) -> float:
        """Length of one window in seconds."""
        return self.n_steps / self.rate_hz

    def has_windows_of(self, other: "ModalitySpec") -> bool:
        """Whether its windows have the shape and rate of the other's, so that one encoder takes both."""
        mine, theirs = ((one.n_steps, one.n_channels, one.rate_hz) for one in (self, other))
        return mine == theirs
