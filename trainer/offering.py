"""The present encoders, judged and offered to all who follow the channel, as often as is wanted."""

import logging
import time

from trainer.candidate import Candidate, judged_candidate
from trainer.metrics import TrainerMetrics
from trainer.parts import Parts

log = logging.getLogger(__name__)


class Offering:
    """Offers what was saved, and no more often than the settings say.

    Args:
        parts: Of the trainer.
        metrics: Where the gate's words are counted.
        code_version: Of the running code.
    """

    def __init__(self, parts: Parts, metrics: TrainerMetrics, code_version: str) -> None:
        self._parts, self._metrics, self._code_version = parts, metrics, code_version
        self._next_s = time.monotonic()
        self._offered_steps = -1.0

    def offer(self) -> Candidate | None:
        """The candidate; None where none is due, no step was taken since the last, or there is nothing to publish."""
        learner, publisher = self._parts.learner, self._parts.publisher
        if (n_steps := learner.trained["trained/steps"]) == self._offered_steps:
            return None
        if learner.cycles.n_done % learner.settings.publish_every_cycles or time.monotonic() < self._next_s:
            return None
        ranges = self._parts.intake.ranges
        candidate = judged_candidate(learner, publisher.last_version, time.time_ns(), ranges, self._code_version)
        if candidate is None:
            log.info("no sample has the shared modality and another one: nothing to publish yet")
            return None
        if candidate.decision.passed:
            self._next_s = time.monotonic() + learner.settings.publish_every_s
        self._offered_steps = n_steps
        self._metrics.note_decision(candidate.decision)
        publisher.offer(candidate)
        return candidate
