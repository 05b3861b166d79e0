"""The loop of `mmbind train`, one page: from `pairs` and `samples` to `models`. READ `Training.run` FIRST."""

import logging
import threading
import time
from collections.abc import Mapping

from kafka.errors import KafkaError

from encoders.errors import MmbindError
from streams.messages.codec import encode
from streams.messages.message import Message
from streams.records import Sample
from streams.service.crash_notes import CrashNotes
from trainer.candidate import judged_candidate
from trainer.checkpoints.progress import Progress, save
from trainer.metrics import TrainerMetrics
from trainer.parts import Parts
from trainer.step.step import StepResult
from trainer.topics.bindings import ArrivedBinding

log = logging.getLogger(__name__)

POLL_MS = 200
# A predecessor that was killed is in the group until its session ends.
TAKEOVER_S = 40.0
KEEP_ALIVE_S = 2.0
REPORT_EVERY_S = 2.0
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
        code_version: str = "",
    ) -> None:
        self._learner, self._intake, self._samples = parts.learner, parts.intake, parts.samples
        self._publisher, self._folder, self._checkpoint = parts.publisher, parts.folder, parts.checkpoint
        self._prefix, self._code_version = prefix, code_version
        self._metrics, self._stop = metrics, stop
        self._crashes, self._n_set_aside = CrashNotes(parts.folder.root.parent), 0
        self._metrics.note_bindings(self._learner.counts, from_before=True)
        self._reported_s = self._step_began_s = self._alive_s = time.monotonic()

    def run(self) -> None:
        """Trains until `stop` is set.

        1. The group's partitions, all of them; 2. what the last checkpoint may have left unannounced. Then, for ever:
        3. Bindings in order; 4. their samples; 5. into the replay buffer; 6. and a cycle whenever enough have come.

        Raises:
            AnotherTrainer: If another one keeps its partitions.
            DataGone: If the broker lost its data.
            KafkaError: If the broker refuses for a reason that waiting does not cure.
        """
        self._publisher.start()
        self._take_over()  # 1
        if self._checkpoint:
            self._offer_candidate()  # 2
        while not self._stop.is_set():
            batch = self._next_bindings()  # 3
            wanted = [one.binding.sample_id for one in batch if self._learner.needs_sample(one.binding)]
            found = self._samples.find(wanted, self._stop)  # 4
            for arrived in batch:
                if self._stop.is_set():
                    break
                self._admit(arrived, found)  # 5
                self._intake.done(arrived)
                if self._learner.cycle_due:
                    self._cycle()  # 6
            self._report()

    def _admit(self, arrived: ArrivedBinding, found: Mapping[str, Sample]) -> None:
        """Unless it ended two trainers: then it is passed over, with its place in the log."""
        place = Message(f"{self._prefix}pairs", arrived.partition, arrived.offset, None, encode(arrived.binding))
        if refusal := self._crashes.judged(place).refusal:
            log.error("a Binding of %s[%d] at %d is set aside: %s", *place.place, refusal.detail)
            self._n_set_aside += 1
            return
        with self._crashes.noted([place]):
            self._learner.admit(arrived.binding, found)

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
            if not self._intake.knows_topic:
                # The topic is new, or the broker away: nobody holds what does not exist.
                end_s = time.monotonic() + TAKEOVER_S
            elif time.monotonic() > end_s:
                raise AnotherTrainer(
                    f"another trainer is at work on {self._prefix}pairs: stop it first, or set another topics.prefix"
                )

    def _keep_alive(self) -> None:
        """Tells the group that we live; whoever does not poll is not given partitions again."""
        try:
            self._intake.keep_alive()
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
        now_s = time.monotonic()
        self._metrics.note_step(result, now_s - self._step_began_s)
        if self._stop.is_set():
            raise _Stopped
        if now_s - self._alive_s > KEEP_ALIVE_S:
            self._keep_alive()
            self._report()
            self._alive_s = time.monotonic()
        self._step_began_s = time.monotonic()

    def _save(self) -> bool:
        starts = self._samples.starts_for(self._learner.sample_ids)
        progress = Progress(self._intake.firsts, self._intake.offsets, starts, self._publisher.last_version)
        try:
            with self._metrics.checkpoint_seconds.time():
                self._checkpoint = save(self._folder, self._learner, progress, self._checkpoint)
        except OSError as error:
            self._metrics.checkpoint_failures.inc()
            log.error("the checkpoint could not be written, training goes on without: %s", error)
            return False
        log.info("checkpoint %d after %d cycles", self._checkpoint, self._learner.n_cycles)
        return True

    def _commit(self) -> bool:
        said = False
        while not self._stop.is_set():
            try:
                if self._intake.commit():
                    return True
            except KafkaError as error:
                if not said:
                    log.warning("cannot commit, trying again: %s: %s", type(error).__name__, error)
                said = True
            # Not only where the commit was none of ours: one that is refused during a rebalance needs a poll to rejoin.
            self._keep_alive()
            self._report()
            self._stop.wait(RETRY_S)
        return False

    def _offer_candidate(self) -> None:
        learner = self._learner
        if learner.n_cycles % learner.settings.publish_every_cycles:
            return
        parent = self._publisher.last_version
        candidate = judged_candidate(learner, parent, time.time_ns(), self._intake.ranges, self._code_version)
        if candidate is None:
            log.info("no sample has the shared modality and another one: nothing to publish yet")
            return
        self._metrics.note_decision(candidate.decision)
        self._publisher.offer(candidate)

    def _report(self) -> None:
        now_s = time.monotonic()
        if now_s - self._reported_s < REPORT_EVERY_S:
            return
        self._reported_s, metrics = now_s, self._metrics
        metrics.note_bindings(self._learner.counts)
        metrics.note_lags(f"{self._prefix}pairs", self._intake.lags())
        metrics.unreadable.set(self._intake.n_unreadable + self._samples.n_unreadable + self._n_set_aside)
        metrics.deleted.set(self._intake.n_deleted)
        metrics.waiting.set(self._samples.n_waiting)
        metrics.lost.set(self._samples.n_lost)
        metrics.replay.set(self._learner.n_replay)
        metrics.published.set(self._publisher.last_version)
        metrics.publish_failures.set(self._publisher.n_failures)
