"""The trainer is stopped (SIGSTOP) until the broker has given it up, and then wakes up: nobody has taken its place."""

import signal
import time

from tests.chaos.fault import Fault
from tests.chaos.stage import Stage

# The group gives a silent trainer up after 6 s.
SHORTEST_S, LONGEST_S = 8.0, 14.0


class TrainerPause(Fault):
    """SIGSTOP beyond the session, then SIGCONT."""

    name = "SIGSTOP of the trainer beyond its session"
    n_strikes = 2

    def strike(self, stage: Stage) -> float:
        """Lets it sleep for about ten seconds."""
        assert stage.trainer is not None, "no trainer was started"
        stage.trainer.signal(signal.SIGSTOP)
        stage.pause(SHORTEST_S, LONGEST_S)
        stage.trainer.signal(signal.SIGCONT)
        return time.monotonic()
