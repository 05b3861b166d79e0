"""The loop of `mmbind train`, one page: from `pairs` and `samples` to `models`. READ `Training.run` FIRST."""

import logging
import threading
import time
from collections.abc import Callable

from kafka.errors import KafkaError

from encoders.errors import MmbindError
from streams.broker.log import LogError
from streams.service.crash_notes import CrashNotes
from trainer.admission import Admission
from trainer.candidate import judged_candidate
from trainer.checkpoints.progress import Progress, save
from trainer.metrics import TrainerMetrics
from trainer.parts import Parts
from trainer.readiness import Readiness
from trainer.readings import note_readings
from trainer.step.step import StepResult
from trainer.topics.bindings import ArrivedBinding

log = logging.getLogger(__name__)

POLL_MS = 200
# A predecessor that was killed is in the group until its session ends.
TAKEOVER_S = 40.0
# Well within the group's session timeout.
LOOK_AFTER_S = 2.0
RETRY_S = 1.0


class AnotherTrainer(MmbindError):  # noqa: N818 - it says what is so
    """The group's partitions are held by a trainer that is at work."""


class _Stopped(Exception):  # noqa: N818 - leaves a cycle that will be trained again from the last checkpoint
    pass


class Training:
    """One trainer at work.

    Checkpoint first, commit second: a crash between the two repeats Bindings, and these are known by identity; the
    other order would lose them. Nothing is published that was not saved before.
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
        self._publisher, self._forgotten, self._lineage = parts.publisher, parts.forgotten, parts.lineage
        self._folder, self._checkpoint = parts.folder, parts.checkpoint
        self._prefix, self._code_version, self._n_steps = prefix, code_version, 0
        self._metrics, self._stop, self._readiness = metrics, stop, readiness
        self._admission = Admission(parts.learner, parts.intake, prefix, CrashNotes(parts.folder.root.parent))
        self._looked_s = self._step_began_s = self._offer_s = time.monotonic()
        metrics.note_bindings(parts.learner.counts, from_before=True)

    def run(self) -> None:
        """Trains until `stop` is set.

        1. The group's partitions, all of them; 2. the newest version, to go on from; 3. what the last checkpoint may
        have left unannounced. Then, for ever: 4. sources that are to be forgotten; 5. Bindings in order; 6. their
        samples; 7. into the replay buffer; 8. and a cycle whenever enough have come.

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
        if self._checkpoint and not self._stop.is_set():
            self._offer_candidate()  # 3
        while not self._stop.is_set():
            self._patiently(self._forget)  # 4
            batch = self._next_bindings()  # 5
            wanted = [one.binding.sample_id for one in batch if self._learner.needs_sample(one.binding)]
            found = self._samples.find(wanted, self._stop, self._look_after)  # 6
            for arrived in batch:
                if self._stop.is_set():
                    break
                self._admission.admit(arrived, found)  # 7
                self._intake.done(arrived)
                if self._learner.cycle_due:
                    self._cycle()  # 8
            self._samples.tidy(lambda: self._learner.sample_ids)
            self._look_after()

    def _cycle(self) -> None:
        """1. train; 2. checkpoint; 3. commit; 4. judge and offer. Ends early, to be repeated, when `stop` is set."""
        try:
            self._step_began_s = time.monotonic()
            report = self._learner.run_cycle(self._between_steps)  # 1
        except _Stopped:
            return
        self._metrics.note_cycle(report.losses)
        if self._save() and self._commit():  # 2, 3
            self._offer_candidate()  # 4

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
            if not error.retriable:
                raise
            self._stop.wait(RETRY_S)

    def _next_bindings(self) -> list[ArrivedBinding]:
        try:
            return self._intake.poll(POLL_MS)
        except KafkaError as error:
            if not error.retriable:
                raise
            self._stop.wait(RETRY_S)
            return []

    def _between_steps(self, result: StepResult) -> None:
        self._metrics.note_step(result, time.monotonic() - self._step_began_s)
        self._n_steps += 1
        if self._stop.is_set():
            raise _Stopped
        self._look_after()
        self._step_began_s = time.monotonic()

    def _save(self) -> bool:
        """Whether there is a checkpoint. Waits for one only where its books would grow too long without."""
        while not self._write():
            if len(self._learner.admissions) < self._learner.settings.remembered_bindings or self._stop.is_set():
                return False
            self._look_after()
            self._stop.wait(RETRY_S)
        return True

    def _write(self) -> bool:
        starts = self._samples.starts_for(self._learner.sample_ids)
        last_version = self._publisher.last_version
        progress = Progress(self._intake.firsts, self._intake.offsets, starts, last_version, self._lineage)
        fault = ""
        try:
            with self._metrics.checkpoint_seconds.time():
                self._checkpoint = save(self._folder, self._learner, progress, self._checkpoint)
            log.info("checkpoint %d after %d cycles", self._checkpoint, self._learner.n_cycles)
        except OSError as error:
            self._metrics.checkpoint_failures.inc()
            fault = f"the checkpoint could not be written: {error}"
            log.error("%s", fault)
        self._readiness.note_fault("checkpoint", fault)
        return not fault

    def _commit(self) -> bool:
        fault = ""
        while not self._stop.is_set():
            try:
                if self._intake.commit():
                    self._readiness.note_fault("commit", "")
                    return True
            except KafkaError as error:
                if not fault:
                    log.warning("cannot commit, trying again: %s: %s", type(error).__name__, error)
                fault = f"what was done cannot be committed: {type(error).__name__}: {error}"
            self._readiness.note_fault("commit", fault)
            # Not only where the commit was none of ours: one that is refused during a rebalance needs a poll to rejoin.
            self._keep_alive(was_refused=True)
            self._look_after()
            self._stop.wait(RETRY_S)
        return False

    def _offer_candidate(self) -> None:
        learner = self._learner
        if learner.n_cycles % learner.settings.publish_every_cycles or time.monotonic() < self._offer_s:
            return
        parent = self._publisher.last_version
        candidate = judged_candidate(learner, parent, time.time_ns(), self._intake.ranges, self._code_version)
        if candidate is None:
            log.info("no sample has the shared modality and another one: nothing to publish yet")
            return
        if candidate.decision.passed:
            self._offer_s = time.monotonic() + learner.settings.publish_every_s
        self._metrics.note_decision(candidate.decision)
        self._publisher.offer(candidate)

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
