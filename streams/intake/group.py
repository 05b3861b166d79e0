"""A group: the windows of one source that belong together, before they are a sample. Performs no I/O."""

from dataclasses import dataclass

from encoders.scaling import Scaling
from streams.messages.message import Place
from streams.records import SensorWindow


@dataclass(frozen=True, slots=True, eq=False)
class ArrivedWindow:
    """A checked window with the scaling that holds for it, and the message it came in."""

    window: SensorWindow
    scaling: Scaling
    place: Place


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """What came of one slot, by modality name. `is_late`: the slot had been closed, or had this modality already."""

    slot: int
    arrivals: tuple[ArrivedWindow, ...]
    is_late: bool = False

    @property
    def sample_id(self) -> str:
        """The same for the same windows, whenever they come."""
        window = self.arrivals[0].window
        if self.is_late:
            return f"{window.source_id}@{self.slot}@{window.modality}@{window.start_ns}"
        return f"{window.source_id}@{self.slot}"


def slot_in(sample_id: str, source_id: str) -> int | None:
    """The slot that a sample's id names; None if it is not of our making."""
    number = sample_id.removeprefix(f"{source_id}@").partition("@")[0]
    try:
        return int(number)
    except ValueError:
        return None
