"""A service is killed (SIGKILL) and started again, as a supervisor does."""

import signal
import time
from typing import Literal

from deploy.machine.process import ChildProcess
from tests.chaos.fault import Fault
from tests.chaos.stage import Stage

DOWN_S = 2.0


class ProcessKill(Fault):
    """kill -9 of the worker, the trainer or the consumer."""

    n_strikes = 7  # of three services: 21 kills on each kind of broker
    n_kills = 1

    def __init__(self, who: Literal["worker", "trainer", "consumer"]) -> None:
        self.name, self._who = f"kill -9 of the {who}", who

    def strike(self, stage: Stage) -> float:
        """Kills, and starts a successor after at most two seconds."""
        victim = self._taken_off(stage)
        assert victim is not None, f"no {self._who} was started"
        victim.signal(signal.SIGKILL)
        victim.wait(timeout_s=10)
        stage.pause(0, DOWN_S)
        ended_s = time.monotonic()
        started = {"worker": stage.start_worker, "trainer": stage.start_trainer, "consumer": stage.start_consumer}
        started[self._who]()
        if self._who == "consumer":
            stage.wait(lambda: stage.followed > 0, 60, "a model in use by the consumer")
            stage.recoveries.setdefault("model", []).append(time.monotonic() - ended_s)
        return ended_s

    def _taken_off(self, stage: Stage) -> ChildProcess | None:
        """The victim, which the stage no longer looks after."""
        if self._who == "worker":
            return stage.workers.pop(0)
        victim = stage.trainer if self._who == "trainer" else stage.consumer
        setattr(stage, self._who, None)
        return victim
