"""What was trained is saved, and then committed: a trainer that dies loses nothing and takes nothing twice."""

import logging
from collections.abc import Callable

from kafka.errors import KafkaError

from trainer.checkpoints.progress import Progress, save
from trainer.metrics import TrainerMetrics
from trainer.parts import Parts
from trainer.readiness import Readiness

log = logging.getLogger(__name__)


class Safekeeping:
    """Checkpoint first, commit second: a crash between the two repeats Bindings, and these are known by identity.

    The other order would lose them.

    Args:
        parts: Of the trainer.
        metrics: Where checkpoints are counted.
        readiness: Is told what fails.
        go_on: Called while something has to be tried again; whether to.
    """

    def __init__(
        self, parts: Parts, metrics: TrainerMetrics, readiness: Readiness, go_on: Callable[[bool], bool]
    ) -> None:
        self._parts, self._metrics, self._readiness, self._go_on = parts, metrics, readiness, go_on
        self.checkpoint = parts.checkpoint

    def save(self) -> bool:
        """Whether there is a checkpoint. Waits for one only where its books would grow too long without."""
        learner = self._parts.learner
        while not self._write():
            is_short = len(learner.admissions) < learner.settings.remembered_bindings
            if is_short or not self._go_on(False):
                return False
        return True

    def commit(self) -> bool:
        """Whether what is done is committed; tries until it is, or must end."""
        fault = ""
        is_wanted = True
        while is_wanted:
            try:
                if self._parts.intake.commit():
                    self._readiness.note_fault("commit", "")
                    return True
            except KafkaError as error:
                if not fault:
                    log.warning("cannot commit, trying again: %s: %s", type(error).__name__, error)
                fault = f"what was done cannot be committed: {type(error).__name__}: {error}"
            self._readiness.note_fault("commit", fault)
            # Not only where the commit was none of ours: one that is refused during a rebalance needs a poll to rejoin.
            is_wanted = self._go_on(True)
        return False

    def _write(self) -> bool:
        parts = self._parts
        starts = parts.samples.starts_for(parts.learner.sample_ids)
        intake, last_version = parts.intake, parts.publisher.last_version
        progress = Progress(intake.firsts, intake.offsets, starts, last_version, parts.lineage)
        fault = ""
        try:
            with self._metrics.checkpoint_seconds.time():
                self.checkpoint = save(parts.folder, parts.learner, progress, self.checkpoint)
            log.info("checkpoint %d after %d cycles", self.checkpoint, parts.learner.cycles.n_done)
        except OSError as error:
            self._metrics.checkpoint_failures.inc()
            fault = f"the checkpoint could not be written: {error}"
            log.error("%s", fault)
        self._readiness.note_fault("checkpoint", fault)
        return not fault
