"""MQTT topics with placeholders: `sensors/{node}/{modality}`. Performs no I/O."""

import re
from dataclasses import dataclass

from deploy.errors import WrongInput

PLACEHOLDERS = ("{node}", "{modality}")


@dataclass(frozen=True, slots=True)
class TopicPattern:
    """Topics in which a level is the node, or the modality; `+` and `#` stand for any, as in MQTT.

    Raises:
        WrongInput: If it is no MQTT topic filter.
    """

    text: str

    def __post_init__(self) -> None:
        levels = self.text.split("/")
        for number, level in enumerate(levels):
            is_tail = level == "#" and number == len(levels) - 1
            if level not in (*PLACEHOLDERS, "+") and not is_tail and re.search(r"[+#{}\0]", level):
                wanted = "text, +, {node}, {modality}, or # at the end"
                raise WrongInput(f"mqtt.topics has {self.text!r}: {level!r} is no level, wanted {wanted}")
        if not self.text or any(levels.count(one) > 1 for one in PLACEHOLDERS):
            raise WrongInput(
                f"mqtt.topics has {self.text!r}: wanted levels, with {{node}} and {{modality}} once at most"
            )

    @property
    def filter(self) -> str:
        """What to subscribe to."""
        return "/".join("+" if level in PLACEHOLDERS else level for level in self.text.split("/"))

    def match(self, topic: str) -> dict[str, str] | None:
        """The node and the modality that a topic names; None if it is not of this pattern."""
        levels, found = topic.split("/"), {}
        wanted = self.text.split("/")
        if wanted[-1] == "#":
            wanted, levels = wanted[:-1], levels[: len(wanted) - 1]
        if len(levels) != len(wanted):
            return None
        for level, one in zip(levels, wanted, strict=True):
            if one in PLACEHOLDERS:
                found[one.strip("{}")] = level
            elif one not in ("+", level):
                return None
        return found
