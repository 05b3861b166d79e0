"""The disk is full: the services' files may no longer grow, by a limit of each process that is set and lifted."""

import time

import psutil

from deploy.machine.process import ChildProcess
from tests.chaos.fault import Fault
from tests.chaos.stage import Stage

# The log still has room to say so; a checkpoint's weights have none.
LOG_BYTES = 16_384
FULL_S = 60.0
SAYING = "the checkpoint could not be written"


class FullDisk(Fault):
    """Of worker, trainer and consumer, for as long as it takes the trainer to say that a checkpoint was not written."""

    name = "full disk under the services"
    n_strikes = 2

    def strike(self, stage: Stage) -> float:
        """Fills, waits for what the trainer says, and makes room."""
        trainer = stage.trainer
        assert trainer is not None, "no trainer was started"
        services = [one for one in (*stage.workers, trainer, stage.consumer) if one is not None]
        n_said = trainer.log_file.read_text().count(SAYING)
        before = {one.name: limit(one, one.log_file.stat().st_size + LOG_BYTES) for one in services}
        stage.wait(lambda: trainer.log_file.read_text().count(SAYING) > n_said, FULL_S, f"the trainer says: {SAYING}")
        stage.pause(0, 5)
        for one in services:
            if one.alive:
                limit(one, before[one.name])
        return time.monotonic()


def limit(process: ChildProcess, n_bytes: int) -> int:
    """Lets the files that it writes grow to so many bytes; the limit that was there."""
    handle = psutil.Process(process.pid)
    soft, hard = handle.rlimit(psutil.RLIMIT_FSIZE)
    handle.rlimit(psutil.RLIMIT_FSIZE, (n_bytes, hard))
    return int(soft)
