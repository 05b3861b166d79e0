"""What followers' reports say of a version on trial. Performs no I/O and reads no clock."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from streams.models.rollout import takes_part
from streams.records import ChannelMove, FollowerReport, VersionUse
from trainer.settings import RolloutSettings

Outcome: TypeAlias = Literal["promote", "roll-back", "give-up", "wait"]

# So many errors are no accident.
MIN_ERRORS = 3
# Where nobody has called it often enough by then, a trial ends without a verdict.
LONGEST_IN_TRIALS = 3.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be done, and why: for people."""

    outcome: Outcome
    reason: str


def verdict_on(
    move: ChannelMove, reports: Mapping[str, FollowerReport], now_ns: int, limits: RolloutSettings
) -> Verdict:
    """The word on the version that this move put on trial.

    Bad news counts at once, good news when the time is up. Errors and seconds are held against those of the served
    version in the same followers; what a follower reported before the trial does not count.

    Args:
        move: Has a rollout.
        reports: The latest of each follower.
        now_ns: Unix time.
        limits: What a version may do.
    """
    plan = move.rollout
    assert plan is not None
    tried = [one for one in reports.values() if one.trial and _is_of(one.trial, move)]
    uses = [one.trial for one in tried if one.trial]
    n_calls, n_errors = sum(one.calls for one in uses), sum(one.errors for one in uses)
    told = f"{n_calls} calls in {len(tried)} followers"
    if (failed := _cannot_load(move, reports)) and len(failed) >= len(tried):
        return Verdict("roll-back", f"{len(failed)} followers cannot load it, {len(tried)} can: {failed[0].last_error}")
    if complaint := _complaint(tried, plan.min_calls, limits):
        return Verdict("roll-back", f"{complaint}, after {told}")
    took_s = (now_ns - move.at_ns) / 1e9
    if n_calls < plan.min_calls:
        if took_s >= LONGEST_IN_TRIALS * plan.for_s:
            return Verdict("give-up", f"no verdict: {told} in {took_s:.0f} s, wanted {plan.min_calls}")
        return Verdict("wait", f"{told}, wanted {plan.min_calls}")
    if took_s < plan.for_s:
        return Verdict("wait", f"{told}, {plan.for_s - took_s:.0f} s left")
    return Verdict("promote", f"{told}, {n_errors} errors in {took_s:.0f} s, {_drift(tried)}")


def _drift(tried: Sequence[FollowerReport]) -> str:
    agreements = [one.agreement for one in tried if one.agreement is not None]
    if not agreements:
        return "drift unknown: they embedded too few unlike windows"
    return f"agreement with the served version {min(agreements):.2f}"


def _is_of(use: VersionUse, move: ChannelMove) -> bool:
    # By the follower's clock, which may be a little behind ours.
    return use.version == move.version and use.since_ns >= move.at_ns - 60 * 10**9


def _cannot_load(move: ChannelMove, reports: Mapping[str, FollowerReport]) -> list[FollowerReport]:
    """Followers that take part, but could not take the version up."""
    return [
        one
        for name, one in sorted(reports.items())
        if takes_part(move, name) and not one.trial and re.match(rf"version {move.version}\b", one.last_error)
    ]


def _complaint(tried: Sequence[FollowerReport], min_calls: int, limits: RolloutSettings) -> str:
    """What is wrong with the version; nothing while too few calls say so, but for errors."""
    trials, served = [one.trial for one in tried if one.trial], [one.use for one in tried if one.use]
    n_calls, n_errors = sum(one.calls for one in trials), sum(one.errors for one in trials)
    usual = sum(one.errors for one in served) / max(1, sum(one.calls for one in served))
    share = n_errors / max(1, n_calls)
    if n_errors >= MIN_ERRORS and share > usual + limits.max_error_share:
        return f"{n_errors} errors, {share:.0%} of its calls beside {usual:.0%} of the served version's"
    if n_calls < min_calls:
        return ""
    if (cosine := _collapsed(tried, limits.max_mean_cosine)) is not None:
        return f"unlike windows come out alike, mean cosine {cosine:.2f}, wanted at most {limits.max_mean_cosine}"
    agreements = [one.agreement for one in tried if one.agreement is not None]
    if agreements and min(agreements) < limits.min_agreement:
        return (
            f"it disagrees with the served version about what is alike, agreement {min(agreements):.2f}, "
            f"wanted at least {limits.min_agreement}"
        )
    own_s, served_s = _seconds(trials), _seconds(served)
    if own_s and served_s and own_s > limits.max_slowdown * served_s:
        return f"a call takes {1000 * own_s:.1f} ms, the served version's {1000 * served_s:.1f} ms"
    return ""


def _collapsed(tried: Sequence[FollowerReport], limit: float) -> float | None:
    """The mean cosine in a follower whose windows it has made too alike, and the served version has not."""
    pairs = [(one.trial.mean_cosine, one.use) for one in tried if one.trial and one.trial.mean_cosine is not None]
    found = [own for own, use in pairs if own > limit and not (use and (use.mean_cosine or 0) > limit)]
    return max(found, default=None)


def _seconds(uses: Sequence[VersionUse]) -> float:
    """Of a call; 0 without any."""
    n_calls = sum(one.calls for one in uses)
    return sum(one.embed_s for one in uses) / n_calls if n_calls else 0.0
