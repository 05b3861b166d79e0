"""What becomes of a version that passed: all follow it, or some try it first."""

import logging
from collections.abc import Callable
from typing import Protocol

from streams.models.channels import ChannelView, move_record
from streams.models.rollout import CANARY, CANDIDATE
from streams.records import Decision
from trainer.topics.models import ModelsTopic

log = logging.getLogger(__name__)


class Trials(Protocol):
    """Versions tried by some followers before all follow: see `trainer.rollout`."""

    def wanted(self, view: ChannelView) -> bool:
        """Whether a version that passed is tried first."""
        ...

    def running(self, view: ChannelView) -> int | None:
        """The version that is tried at present."""
        ...

    def record(self, view: ChannelView, version: int, reason: str) -> tuple[bytes, bytes]:
        """The move that puts a version on trial."""
        ...


class Following:
    """Moves a channel to the trainer's versions, and CANDIDATE before it.

    Args:
        models: The topic.
        channel: Is moved.
        now_ns: The time, for the moves.
        trials: Has a version tried by some before the channel is moved to it.
    """

    def __init__(
        self, models: ModelsTopic, channel: str, now_ns: Callable[[], int], trials: Trials | None = None
    ) -> None:
        self._models, self._channel, self._now_ns, self._trials = models, channel, now_ns, trials

    def follow(self, view: ChannelView, decision: Decision) -> None:
        """Makes the version the candidate, and has it followed, or tried; each unless it was before."""
        version, reason = decision.version, f"passed the gate: {decision.reason}"
        self._put_forward(view, version, reason)
        if _had(view, self._channel, version) or _had(view, CANARY, version):
            return
        if pin := view.pin(self._channel):
            log.warning(
                "%s is pinned to %d by %s: version %d is not followed", pin.channel, pin.version, pin.by, version
            )
            return
        if self._trials and self._trials.wanted(view):
            if (running := self._trials.running(view)) is not None:
                log.info("version %d is not followed: version %d is on trial", version, running)
                return
            record = self._trials.record(view, version, reason)
        else:
            record = move_record(view, self._channel, version, reason, "trainer", self._now_ns())
        self._models.append(record)
        if not self._models.refresh().counted(record[0]):
            log.warning("somebody else moved %s first: version %d is not followed", self._channel, version)

    def _put_forward(self, view: ChannelView, version: int, reason: str) -> None:
        if self._channel == CANDIDATE or view.pin(CANDIDATE) or _had(view, CANDIDATE, version):
            return
        # Where somebody moves it first, theirs is as good.
        self._models.append(move_record(view, CANDIDATE, version, reason, "trainer", self._now_ns()))


def _had(view: ChannelView, channel: str, version: int) -> bool:
    return any(move.version == version for move in view.history(channel))
