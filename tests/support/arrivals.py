"""Windows as they come to an assembler, and what it makes of them in short words."""

from collections.abc import Iterable, Mapping

import numpy as np

from encoders.scaling import Scaling
from streams.intake.assembly import Assembler, ReadUpto
from streams.intake.group import ArrivedWindow, Group
from streams.messages.message import Place
from streams.records import SensorWindow

HOP, GRACE = 100, 20
NOTHING = Scaling(center=np.zeros(1), scale=np.ones(1), n_windows=1)
ALL = ("a", "b", "c", "d")


def arrival(modality: str, slot: float, source: str = "s", partition: int = 0) -> ArrivedWindow:
    """A window that starts so many hops after the epoch."""
    window = SensorWindow(
        source_id=source, modality=modality, start_ns=round(slot * HOP), values=np.zeros((2, 1), np.float32)
    )
    return ArrivedWindow(window, NOTHING, Place(modality, partition, 0))


def assembler(modalities: Iterable[str] = ALL, **limits: int) -> Assembler:
    """One with this hop and this grace."""
    return Assembler(modalities, HOP, GRACE, **limits)


def read_upto(behind: Mapping[str, int], now: int) -> ReadUpto:
    """Up to when the topics of partition 0 that are behind were read; all others are at their end."""
    return lambda modality, partition: behind.get(modality, now) if partition == 0 else now


def told(groups: Iterable[Group]) -> list[str]:
    """What closed: slot and modalities, `!` for a late one."""
    return [
        f"{one.slot}{''.join(a.window.modality for a in one.arrivals)}{'!' if one.is_late else ''}" for one in groups
    ]
