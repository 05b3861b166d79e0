"""How a version is put on trial. Performs no I/O and reads no clock."""

from collections.abc import Mapping

from streams.models.rollout import lot_of
from streams.records import FollowerReport, Rollout

# A follower that has not reported for so long is thought to be gone.
SILENT_NS = 180 * 10**9


def plan_of(
    version: int,
    channel: str,
    share: float,
    for_s: float,
    reports: Mapping[str, FollowerReport],
    now_ns: int,
    *,
    min_calls: int = 100,
    serves: bool = False,
) -> Rollout:
    """A trial by that share of the channel's followers, the same ones whenever it is asked; by one at least.

    Args:
        version: To be tried.
        channel: Whose followers try it.
        share: Above 0, at most 1.
        for_s: How long.
        reports: The latest of each follower.
        now_ns: Unix time.
        min_calls: Without which there is no verdict.
        serves: Whether those who try it hand out its results.
    """
    can = [one for one in reports.values() if one.details.get("channel") == channel and _can_try(one, now_ns)]
    lots = sorted(lot_of(one.follower_id, version) for one in can)
    # Just above the lowest lot, so that who has it takes part.
    upto = max(share, lots[0] + 2**-53) if lots else share
    return Rollout(channel=channel, upto=min(1.0, upto), for_s=for_s, min_calls=min_calls, serves=serves)


def _can_try(one: FollowerReport, now_ns: int) -> bool:
    """Whether it lives and counts its calls: a worker follows a channel too, and tries nothing."""
    return now_ns - one.at_ns < SILENT_NS and one.use is not None and one.details.get("stopped") is not True
