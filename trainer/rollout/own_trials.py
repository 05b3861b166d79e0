"""The trainer's own versions, tried by some followers before all others follow."""

import logging
import time
from collections.abc import Callable, Mapping

from kafka.errors import KafkaError

from streams.broker.log import LogError
from streams.models.channels import ChannelView, move_record
from streams.models.rollout import CANARY, CANDIDATE, trial
from streams.records import FollowerReport
from streams.settings import StreamSettings
from trainer.rollout.beginning import plan_of
from trainer.rollout.reports import FollowerReports
from trainer.settings import RolloutSettings

log = logging.getLogger(__name__)

# Who ends trials, in the moves.
ROLLER = "roller"


class OwnTrials:
    """How the settings want a version tried that passed.

    Args:
        settings: Broker, topics and the channel.
        wanted: The share of followers, and the rest.
        reports: Gives the latest report of each follower; those of the topic without it.
        now_ns: Unix time.
    """

    def __init__(
        self,
        settings: StreamSettings,
        wanted: RolloutSettings,
        reports: Callable[[], Mapping[str, FollowerReport]] | None = None,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._channel, self._wanted, self._now_ns = settings.registry.channel, wanted, now_ns
        self._reports = reports or FollowerReports(settings.broker, settings.topics.prefix).read

    def wanted(self, view: ChannelView) -> bool:
        """Whether a version that passed is tried first: not the first one, beside which nothing could be tried."""
        return self._wanted.canary > 0 and bool(view.current(self._channel))

    def running(self, view: ChannelView) -> int | None:
        """The version that is tried at present."""
        move = trial(view, self._channel)
        return move.version if move else None

    def waiting(self, view: ChannelView) -> int | None:
        """The newest version that passed while another one was tried, never tried or followed itself; None without one.

        One that passed since is the publisher's to put on trial; and where a person ended the last trial, a person says
        what comes next.
        """
        tried, passed = view.history(CANARY), view.history(CANDIDATE)
        if not (tried and passed and self.wanted(view)) or view.pin(self._channel):
            return None
        ended, version = tried[-1], passed[-1].version
        if ended.version or ended.by != ROLLER or passed[-1].at_ns > ended.at_ns:
            return None
        known = {move.version for move in (*tried, *view.history(self._channel))}
        return version if version > max(known) else None

    def record(self, view: ChannelView, version: int, reason: str) -> tuple[bytes, bytes]:
        """The move that puts a version on trial."""
        wanted, now_ns = self._wanted, self._now_ns()
        try:
            reports = self._reports()
        except (LogError, KafkaError) as error:
            log.warning("followers are not known, their share is taken as it is: %s", error)
            reports = {}
        plan = plan_of(
            version,
            self._channel,
            wanted.canary,
            wanted.for_s,
            reports,
            now_ns,
            min_calls=wanted.min_calls,
            serves=wanted.serves,
        )
        return move_record(view, CANARY, version, reason, "trainer", now_ns, rollout=plan)
