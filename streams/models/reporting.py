"""What a follower says of itself on the topic `followers`, and when."""

import time
from collections.abc import Callable
from typing import TypeAlias

from streams.models.log import ModelLog
from streams.records import FollowerReport, VersionUse

REPORT_EVERY_S = 60.0
TRIAL_REPORT_EVERY_S = 10.0

# How the version in use does, how the one on trial, and how far they agree.
Told: TypeAlias = Callable[[], tuple[VersionUse | None, VersionUse | None, float | None]]


class Reporter:
    """Reports every minute, and every ten seconds while a version is on trial.

    Args:
        models: Where reports go.
        channel: The one that is followed.
        follower_id: Says nothing where this is empty.
        told: Completes the reports.
        now_s: A clock that never goes back.
    """

    def __init__(
        self, models: ModelLog, channel: str, follower_id: str, told: Told, now_s: Callable[[], float]
    ) -> None:
        self._models, self._channel, self._follower_id = models, channel, follower_id
        self._told, self._now_s = told, now_s
        self._next_s = float("-inf")

    @property
    def is_due(self) -> bool:
        """Whether the last one was long enough ago."""
        return self._now_s() >= self._next_s

    def report(
        self, version: int, swaps: int, failures: int, last_error: str, *, is_trying: bool, is_last: bool = False
    ) -> None:
        """Says which version is in use, how it does, and with `is_last` that no more is followed."""
        self._next_s = self._now_s() + (TRIAL_REPORT_EVERY_S if is_trying else REPORT_EVERY_S)
        if not self._follower_id:
            return
        use, trial, agreement = self._told()
        self._models.report(
            FollowerReport(
                follower_id=self._follower_id,
                version=version,
                at_ns=time.time_ns(),
                swaps=swaps,
                failures=failures,
                last_error=last_error,
                use=use,
                trial=trial,
                agreement=agreement,
                details={"channel": self._channel, **({"stopped": True} if is_last else {})},
            )
        )
