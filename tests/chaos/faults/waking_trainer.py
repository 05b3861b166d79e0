"""A trainer sleeps (SIGSTOP) until its successor, which began from a copy of its checkpoints, has published."""

import shutil
import signal
import time

from deploy.machine.process import ChildProcess
from deploy.settings.config import as_toml
from streams.broker.log import read_all
from tests.chaos.fault import Fault
from tests.chaos.stage import Stage

SUCCESSION_S = 120.0
AWAKE_S = 20.0


class WakingTrainer(Fault):
    """The old trainer must publish nothing more; from the first strike on the successor's lineage counts."""

    name = "an old trainer wakes after its successor published"
    n_strikes = 1

    def strike(self, stage: Stage) -> float:
        """Wakes the old one; whether it goes away or stays silent, what is published is judged at the end."""
        old = stage.trainer
        assert old is not None, "no trainer was started"
        old.signal(signal.SIGSTOP)
        folder = stage.folder / "successor"
        shutil.copytree(stage.trainer_dir / "checkpoints", folder / "data" / "checkpoints")
        runtime = stage.farm.settings.runtime.model_copy(update={"data_dir": str(folder / "data")})
        (folder / "mmbind.toml").write_text(as_toml(stage.farm.settings.model_copy(update={"runtime": runtime})))
        stage.trainer_dir = folder / "data"
        stage.start_trainer()
        n_checkpoints, n_records = stage.n_checkpoints, self._n_models(stage)
        stage.wait(
            lambda: stage.n_checkpoints > n_checkpoints and self._n_models(stage) > n_records,
            SUCCESSION_S,
            "a version published by the successor",
        )
        old.signal(signal.SIGCONT)
        stage.afterwards.append(lambda: self._watch(stage, old))
        return time.monotonic()

    def _watch(self, stage: Stage, old: ChildProcess) -> None:
        """Gives the old one time to do harm, and ends it."""
        stage.pause(AWAKE_S, AWAKE_S)
        state = "was still there" if old.exit_code is None else f"ended with {old.exit_code}"
        stage.notes.append(f"the old trainer {state}: {old.log_tail(1)[-200:]}")
        old.stop()

    @staticmethod
    def _n_models(stage: Stage) -> int:
        return len(read_all(stage.direct, stage.farm.names.models))
