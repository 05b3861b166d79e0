"""Windows as they come to an assembler, and what it makes of them in short words."""

from collections.abc import Iterable

import numpy as np

from encoders.scaling import Scaling
from streams.intake.assembly import ArrivedWindow, Assembler, Group
from streams.messages.message import Place
from streams.records import SensorWindow

HOP, GRACE = 100, 20
NOTHING = Scaling(center=np.zeros(1), scale=np.ones(1), n_windows=1)
ALL = ("a", "b", "c", "d")


def arrival(modality: str, slot: float, source: str = "s") -> ArrivedWindow:
    """A window that starts so many hops after the epoch."""
    window = SensorWindow(
        source_id=source, modality=modality, start_ns=round(slot * HOP), values=np.zeros((2, 1), np.float32)
    )
    return ArrivedWindow(window, NOTHING, Place(modality, 0, 0))


def assembler(modalities: Iterable[str] = ALL, **limits: int) -> Assembler:
    """One with this hop and this grace."""
    return Assembler(modalities, HOP, GRACE, **limits)


def told(groups: Iterable[Group]) -> list[str]:
    """What closed: slot and modalities, `!` for a late one."""
    return [
        f"{one.slot}{''.join(a.window.modality for a in one.arrivals)}{'!' if one.is_late else ''}" for one in groups
    ]
