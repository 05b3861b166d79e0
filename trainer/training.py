"""The loop of `mmbind train`, one page: from `pairs` and `samples` to `models`. READ `Training.run` FIRST."""

import logging
import threading
import time
from collections.abc import Callable, Sequence

from kafka.errors import KafkaError

from encoders.errors import MmbindError
from streams.broker.log import LogError
from streams.service.crash_notes import CrashNotes
from trainer.admission import Admission
from trainer.candidate import Candidate
from trainer.metrics import TrainerMetrics
from trainer.offering import Offering
from trainer.pace import Pacing
from trainer.parts import Parts
from trainer.readiness import Readiness
from trainer.readings import note_readings
from trainer.safekeeping import Safekeeping
from trainer.step.step import StepResult
from trainer.topics.arrived import ArrivedBinding

log = logging.getLogger(__name__)

POLL_MS = 200
# A predecessor that was killed is in the group until its session ends.
TAKEOVER_S = 40.0
# Well within the group's session timeout.
LOOK_AFTER_S = 2.0
RETRY_S = 1.0
# What comes in while a step is taken is read after it, up to so many: else the next cycle would wait for it.
READ_AHEAD = 250
# For so long nothing came: time for more steps on what is there.
IDLE_S = 1.0


class AnotherTrainer(MmbindError):  # noqa: N818 - it says what is so
    """The group's partitions are held by a trainer that is at work."""


class _Stopped(Exception):  # noqa: N818 - leaves a cycle that will be trained again from the last checkpoint
    pass


class Training:
    """One trainer at work: admits what waits, and takes as many steps as that leaves time for.

    Nothing is published that was not saved before.
    """

    def __init__(
        self,
        parts: Parts,
        prefix: str,
        metrics: TrainerMetrics,
        stop: threading.Event,
        readiness: Readiness,
        code_version: str = "",
    ) -> None:
        self._parts = parts
        self._learner, self._intake, self._samples = parts.learner, parts.intake, parts.samples
        self._publisher, self._forgotten = parts.publisher, parts.forgotten
        self._prefix, self._n_steps = prefix, 0
        self._metrics, self._stop, self._readiness = metrics, stop, readiness
        self._admission = Admission(parts.learner, parts.intake, prefix, CrashNotes(parts.folder.root.parent))
        self._keeping = Safekeeping(parts, metrics, readiness, self._may_retry)
        self._offering = Offering(parts, metrics, code_version)
        self._pacing = Pacing(parts.learner.settings)
        self._looked_s = self._step_began_s = self._came_s = time.monotonic()
        metrics.note_bindings(parts.learner.counts, from_before=True)

    def run(self) -> None:
        """Trains until `stop` is set.

        1. The group's partitions, all of them; 2. the newest version, to go on from; 3. what the last checkpoint may
        have left unannounced. Then, for ever: 4. sources that are to be forgotten; 5. Bindings in order; 6. their
        samples; 7. into the replay buffer; 8. and a cycle whenever enough have come; 9. more steps while none come.

        Raises:
            AnotherTrainer: If another one keeps its partitions.
            NotTheOwner: If the newest version is of a training that this one does not go on from.
            DataGone: If the broker lost its data.
            KafkaError: If the broker refuses for a reason that waiting does not cure.
        """
        self._take_over()  # 1
        self._patiently(lambda: self._publisher.claim(self._learner.settings.adopt_version))  # 2
        self._publisher.start()
        self._patiently(self._forget)
        if self._keeping.checkpoint and not self._stop.is_set():
            self._offering.offer()  # 3
        while not self._stop.is_set():
            self._patiently(self._forget)  # 4
            began_s = time.monotonic()
            if batch := self._next_bindings():  # 5
                self._take(batch, began_s)  # 6, 7, 8
            elif time.monotonic() - self._came_s >= IDLE_S:
                self._use_spare_time()  # 9
            self._samples.tidy(lambda: self._learner.sample_ids)
            self._look_after()

    def _take(self, batch: Sequence[ArrivedBinding], began_s: float) -> None:
        self._came_s = time.monotonic()
        found = self._samples.find(self._admission.wanted(batch), self._stop, self._look_after)  # 6
        # To read and to find them is nearly all that they cost.
        self._pacing.note_bindings(len(batch), sum(not one.round for one in batch), time.monotonic() - began_s)
        while batch and not self._stop.is_set():
            n_before = self._admission.before_a_cycle(batch)
            self._admission.admit(batch[:n_before], found)  # 7
            batch = batch[n_before:]
            if self._learner.cycle_due:
                self._cycle()  # 8

    def _cycle(self) -> None:
        """1. train; where that is wanted 2. keep it. Ends early, to be repeated, when `stop` is set."""
        self._step_began_s = time.monotonic()
        try:
            report = self._learner.run_cycle(self._between_steps)  # 1
        except _Stopped:
            return
        self._metrics.note_cycle(report.losses)
        if self._learner.cycles.checkpoint_due:
            self._keep()  # 2

    def _keep(self) -> Candidate | None:
        """1. The pace from here on, which stands in 2. the checkpoint; 3. commit; 4. judge and offer: what was."""
        self._learner.cycles.pace = self._pacing.choose(self._intake.n_waiting)  # 1
        return self._offering.offer() if self._keeping.save() and self._keeping.commit() else None  # 2, 3, 4

    def _use_spare_time(self) -> None:
        """Steps on what the buffer holds, until something comes, there are enough, or they bring nothing any more.

        Where the pace is still that of a backlog which is gone, the usual one is taken up instead.
        """
        learner, cycles = self._learner, self._learner.cycles
        if cycles.pace is not None and self._pacing.choose(self._intake.n_waiting) is None:
            self._keep()
        while cycles.extra_left and not self._intake.n_kept and not self._stop.is_set():
            self._step_began_s = time.monotonic()
            self._note_step(learner.extra_step())
            candidate = self._keep() if cycles.extra_is_whole else None
            if candidate and learner.best_version is not None and not candidate.is_best:
                cycles.end_extra()
        self._came_s = time.monotonic()

    def _take_over(self) -> None:
        end_s = time.monotonic() + TAKEOVER_S
        while not self._stop.is_set() and not self._intake.is_sole:
            self._keep_alive()
            self._look_after()
            if not self._intake.knows_topic:
                # The topic is new, or the broker away: nobody holds what does not exist.
                end_s = time.monotonic() + TAKEOVER_S
            elif time.monotonic() > end_s:
                raise AnotherTrainer(
                    f"another trainer is at work on {self._prefix}pairs: stop it first, or set another topics.prefix"
                )

    def _patiently(self, ask: Callable[[], None]) -> None:
        """Asks the broker something, again and again while it is away."""
        while not self._stop.is_set():
            try:
                ask()
                return
            except (LogError, KafkaError) as error:
                if isinstance(error, KafkaError) and not error.retriable:
                    raise
                log.warning("the broker does not answer, trying again: %s: %s", type(error).__name__, error)
            self._look_after()
            self._stop.wait(RETRY_S)

    def _forget(self) -> None:
        if sources := self._forgotten.poll():
            n_samples = self._learner.forget()
            log.info("%d sources are forgotten, %d samples of theirs dropped; models stay", len(sources), n_samples)

    def _keep_alive(self, was_refused: bool = False) -> None:
        """Tells the group that we live; whoever does not poll is not given partitions again."""
        try:
            self._intake.keep_alive(was_refused)
        except KafkaError as error:
            self._wait_for_broker(error)

    def _next_bindings(self) -> list[ArrivedBinding]:
        try:
            return self._intake.poll(POLL_MS)
        except KafkaError as error:
            self._wait_for_broker(error)
            return []

    def _read_ahead(self) -> None:
        try:
            self._intake.read_ahead(READ_AHEAD)
        except KafkaError as error:
            self._wait_for_broker(error)

    def _wait_for_broker(self, error: KafkaError) -> None:
        if not error.retriable:
            raise error
        self._stop.wait(RETRY_S)

    def _between_steps(self, result: StepResult) -> None:
        self._note_step(result)
        if self._stop.is_set():
            raise _Stopped

    def _note_step(self, result: StepResult) -> None:
        """Counts it, and reads what has come in meanwhile."""
        seconds = time.monotonic() - self._step_began_s
        self._metrics.note_step(result, seconds)
        self._pacing.note_step(seconds)
        self._n_steps += 1
        self._read_ahead()
        self._look_after()
        self._step_began_s = time.monotonic()

    def _may_retry(self, was_refused: bool) -> bool:
        if was_refused:
            self._keep_alive(was_refused=True)
        self._look_after()
        return not self._stop.wait(RETRY_S)

    def _look_after(self) -> None:
        """What must not wait for a cycle or a search to end: the group, the metrics, and word of how it goes."""
        if self._publisher.refusal is not None:
            raise self._publisher.refusal
        if time.monotonic() - self._looked_s < LOOK_AFTER_S:
            return
        self._keep_alive()
        if self._publisher.n_waiting:
            self._intake.membership.confirm()
        lags = self._intake.lags()
        self._metrics.note_lags(f"{self._prefix}pairs", lags)
        note_readings(self._metrics, self._parts)
        self._readiness.note_work(sum(self._intake.offsets.values()) + self._n_steps, sum(lags.values()))
        self._readiness.note_fault("publishing", self._publisher.complaint)
        self._looked_s = time.monotonic()
