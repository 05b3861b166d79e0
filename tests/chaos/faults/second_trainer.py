"""A second trainer is started beside the first."""

import time

from deploy.settings.config import as_toml
from tests.chaos.fault import Fault
from tests.chaos.stage import Stage

# It waits 40 s for a predecessor that may have been killed.
REFUSED_S = 75.0


class SecondTrainer(Fault):
    """In the same data folder, or in another one; it must end with 1, one sentence, and nothing published."""

    n_strikes = 1

    def __init__(self, has_own_folder: bool) -> None:
        self._has_own_folder = has_own_folder
        self.name = f"a second trainer, {'another' if has_own_folder else 'the same'} folder"

    def strike(self, stage: Stage) -> float:
        """Returns when the second one has ended; it is ended where it does not."""
        folder = stage.folder
        if self._has_own_folder:
            folder = stage.folder / "second"
            folder.mkdir()
            runtime = stage.farm.settings.runtime.model_copy(update={"data_dir": str(folder / "data")})
            (folder / "mmbind.toml").write_text(as_toml(stage.farm.settings.model_copy(update={"runtime": runtime})))
        second = stage.start_other_trainer(folder)
        if stage.wait(lambda: second.exit_code is not None, REFUSED_S, "the second trainer refused"):
            stage.notes.append(f"the second trainer ended with {second.exit_code}: {second.log_tail(1)[-200:]}")
            if second.exit_code != 1:
                stage.faults.append(f"the second trainer ended with {second.exit_code}, wanted 1")
        second.stop()
        return time.monotonic()
