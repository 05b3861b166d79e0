"""Clocks of sensors are stepped by an hour, and stepped back."""

import time

from tests.chaos.fault import Fault
from tests.chaos.sensors import ClockStep
from tests.chaos.stage import Stage

HOUR_NS = 3600 * 10**9
# The broker refuses a message that is an hour ahead.
NEARLY_HOUR_MS = 3_540_000
STEPPED_S = 8.0


class SteppedClock(Fault):
    """A third of the nodes is an hour ahead, a third an hour behind, in their windows and in Kafka's timestamps."""

    name = "clocks of two thirds of the nodes an hour off"
    n_strikes = 2

    def strike(self, stage: Stage) -> float:
        """Steps them, and steps them back after some seconds."""
        ahead = ClockStep(stage.sources[::3], HOUR_NS, NEARLY_HOUR_MS)
        behind = ClockStep(stage.sources[1::3], -HOUR_NS, -NEARLY_HOUR_MS)
        stage.sensors.clocks = (ahead, behind)
        stage.pause(STEPPED_S / 2, STEPPED_S)
        stage.sensors.clocks = ()
        return time.monotonic()
