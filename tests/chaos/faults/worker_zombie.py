"""A worker is stopped (SIGSTOP) until its partitions are another's, and then wakes up."""

import signal
import time

from tests.chaos.fault import Fault
from tests.chaos.stage import PARTITIONS, Stage

TAKEOVER_S = 60.0
ALL = f"given {PARTITIONS} of {PARTITIONS} partitions of windows, 1 of 1 of samples"
STOPPED_S = 3.0


class WorkerZombie(Fault):
    """Two workers share the partitions; one after the other becomes a zombie and comes back."""

    name = "SIGSTOP of a worker, its return as a zombie"
    n_workers = 2

    def strike(self, stage: Stage) -> float:
        """Wakes the zombie a little after its partitions were given to the other one."""
        zombie, heir = stage.workers
        heard = heir.log_file.read_text().count(ALL)
        zombie.signal(signal.SIGSTOP)
        stage.wait(lambda: heir.log_file.read_text().count(ALL) > heard, TAKEOVER_S, "all partitions given to the heir")
        stage.pause(0, STOPPED_S)
        zombie.signal(signal.SIGCONT)
        stage.workers = [heir, zombie]
        return time.monotonic()
