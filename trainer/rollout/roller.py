"""Watches the version on trial, and promotes it or rolls it back. Its state is the topic: it may end at any moment."""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping

from kafka.errors import KafkaError

from streams.broker.log import LogError
from streams.models.channels import ChannelView, move_record
from streams.models.log import KafkaModelLog, ModelLog
from streams.models.rollout import CANARY, trial
from streams.records import ChannelMove, FollowerReport
from streams.settings import StreamSettings
from trainer.metrics import TrainerMetrics
from trainer.rollout.own_trials import ROLLER, OwnTrials
from trainer.rollout.reports import FollowerReports
from trainer.rollout.verdict import Verdict, verdict_on
from trainer.settings import RolloutSettings
from trainer.topics.models import KafkaModels, ModelsTopic

log = logging.getLogger(__name__)

LOOK_S = 5.0
# How a trial ended, as metrics and moves say it.
ENDED = {"promote": "promoted", "roll-back": "rolled-back", "give-up": "given-up"}


@contextlib.contextmanager
def rolling(
    settings: StreamSettings, limits: RolloutSettings, metrics: TrainerMetrics, may_move: Callable[[], bool]
) -> Iterator[None]:
    """A roller for the channel of the settings while the block runs."""
    broker, prefix = settings.broker, settings.topics.prefix
    models, reports = KafkaModels(broker, prefix), FollowerReports(broker, prefix)
    channel, news = settings.registry.channel, KafkaModelLog(broker, prefix)
    trials = OwnTrials(settings, limits, reports.read)
    roller = Roller(models, news, reports.read, channel, limits, metrics, may_move, trials=trials)
    roller.start()
    try:
        yield
    finally:
        roller.stop()
        models.close()


class Roller:
    """Looks every LOOK_S at the version on trial for a channel, in a thread of its own, if there is one.

    Args:
        models: The topic, as it is moved.
        news: The same, as it is followed.
        reports: Gives the latest report of each follower.
        channel: Whose followers try versions.
        limits: What a version on trial may do.
        metrics: Where trials are counted.
        may_move: Asked before a channel is moved; while it says no, nothing is.
        now_ns: Unix time.
        trials: Puts a version on trial that passed while another one was tried; none is without it.
    """

    def __init__(
        self,
        models: ModelsTopic,
        news: ModelLog,
        reports: Callable[[], Mapping[str, FollowerReport]],
        channel: str,
        limits: RolloutSettings,
        metrics: TrainerMetrics,
        may_move: Callable[[], bool] = lambda: True,
        now_ns: Callable[[], int] = time.time_ns,
        trials: OwnTrials | None = None,
    ) -> None:
        self._trials = trials
        self._models, self._news, self._reports = models, news, reports
        self._channel, self._limits, self._metrics = channel, limits, metrics
        self._may_move, self._now_ns = may_move, now_ns
        self._said = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="roller", daemon=True)

    def start(self) -> None:
        """Looks from now on."""
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Looks no more."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def look(self) -> Verdict | None:
        """The word on the version on trial, and what follows from it done; None where nothing is tried.

        Raises:
            LogError: If a topic cannot be read.
            KafkaError: If the broker cannot be reached.
        """
        view = self._models.refresh()
        move = trial(view, self._channel)
        if not self._may_move():
            return None
        if move is None:
            self._begin(view)
            return None
        if view.current(self._channel) == move.version:
            # Somebody promoted it, or this was ended between the two moves.
            verdict = Verdict("promote", f"{self._channel} is at it")
        elif pin := view.pin(self._channel):
            verdict = Verdict("give-up", f"{pin.channel} is pinned to version {pin.version} by {pin.by}")
        else:
            verdict = verdict_on(move, self._reports(), self._now_ns(), self._limits)
            if verdict.outcome == "promote" and not self._promote(view, move, verdict):
                return Verdict("wait", f"somebody else moved {self._channel} first")
        if verdict.outcome != "wait":
            self._end(view, move, verdict)
        self._say(move, verdict)
        return verdict

    def _begin(self, view: ChannelView) -> None:
        """Puts the version on trial that waits for it, if there is one."""
        version = self._waiting(view)
        if self._trials and version:
            reason = "passed the gate while another version was on trial"
            if self._append(self._trials.record(view, version, reason)):
                log.info("version %d is on trial now: it %s", version, reason)

    def _waiting(self, view: ChannelView) -> int | None:
        return self._trials.waiting(view) if self._trials else None

    def _promote(self, view: ChannelView, move: ChannelMove, verdict: Verdict) -> bool:
        reason = f"passed its trial: {verdict.reason}"
        return self._append(move_record(view, self._channel, move.version, reason, ROLLER, self._now_ns()))

    def _end(self, view: ChannelView, move: ChannelMove, verdict: Verdict) -> None:
        ended = ENDED[verdict.outcome]
        reason = f"version {move.version} {ended.replace('-', ' ')}: {verdict.reason}"
        if self._append(move_record(view, CANARY, 0, reason, ROLLER, self._now_ns())):
            self._metrics.trials_ended.labels(ended).inc()

    def _append(self, record: tuple[bytes, bytes]) -> bool:
        self._models.append(record)
        return self._models.refresh().counted(record[0])

    def _say(self, move: ChannelMove, verdict: Verdict) -> None:
        said = f"{move.version} {verdict.outcome}"
        if said != self._said:
            level = logging.WARNING if verdict.outcome in ("roll-back", "give-up") else logging.INFO
            log.log(level, "version %d on trial: %s: %s", move.version, verdict.outcome, verdict.reason)
        self._said = said

    def _run(self) -> None:
        view, next_s = ChannelView(), time.monotonic()
        for record in self._news.records(self._stop):
            if record is not None:
                view.apply(record.key, record.value, record.offset)
                continue
            move = trial(view, self._channel)
            self._metrics.trial.set(move.version if move else 0)
            if (move or self._waiting(view)) and time.monotonic() >= next_s:
                self._try_to_look()
                next_s = time.monotonic() + LOOK_S
        self._news.close()

    def _try_to_look(self) -> None:
        try:
            self.look()
        except (LogError, KafkaError) as error:
            log.warning("the trial cannot be looked at, trying again: %s", error)
        except Exception:  # training goes on whatever becomes of a trial
            log.exception("the trial cannot be looked at")
