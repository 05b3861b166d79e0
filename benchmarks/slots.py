"""Samples of recordings in another order, one after the other in time. Performs no I/O and reads no clock."""

from collections.abc import Iterable, Sequence
from typing import TypeAlias

import msgspec

from deploy.recordings.recordings import NS_PER_S
from streams.records import SensorWindow

# Longer than any window of the data sets, so that no two samples touch.
SPACING_S = 10
START_NS = 1_700_000_000 * NS_PER_S

# The windows of one source that start together.
Group: TypeAlias = list[SensorWindow]


def by_sample(windows: Iterable[SensorWindow]) -> list[Group]:
    """The windows of each sample, sorted by source and start."""
    groups: dict[tuple[str, int], Group] = {}
    for one in windows:
        groups.setdefault((one.source_id, one.start_ns), []).append(one)
    return [groups[key] for key in sorted(groups)]


def in_slots(samples: Sequence[Group], spacing_s: float = SPACING_S, start_ns: int = START_NS) -> list[SensorWindow]:
    """The samples' windows, moved so that they come in this order, one sample every `spacing_s`.

    The first one starts at the last multiple of the spacing that is not after `start_ns`, so that each has a slot.
    """
    spacing_ns = round(spacing_s * NS_PER_S)
    first_ns = start_ns // spacing_ns * spacing_ns
    return [
        msgspec.structs.replace(one, start_ns=first_ns + place * spacing_ns)
        for place, group in enumerate(samples)
        for one in group
    ]
