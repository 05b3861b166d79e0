"""Puts a version on trial by some followers, or ends the trial that is on."""

import re
import time

from deploy.errors import CommandError, WrongInput
from deploy.models.operator import Operator
from deploy.topics.models_view import read_view
from streams.models.channels import ChannelView
from streams.models.rollout import lot_of, trial
from streams.records import FollowerReport, Rollout
from streams.settings import StreamSettings
from trainer.rollout.beginning import plan_of
from trainer.rollout.reports import FollowerReports

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def seconds_of(text: str) -> float:
    """Of a time such as 90, 30s, 10m, 2h.

    Raises:
        WrongInput: If it is none, or not above 0.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd]?)", text.strip())
    seconds = float(found[1]) * UNITS[found[2] or "s"] if found else 0.0
    if not seconds:
        raise WrongInput(f"--for {text!r}: wanted a time such as 30s, 10m or 2h")
    return seconds


def begun(
    settings: StreamSettings,
    version: int,
    operator: Operator,
    *,
    share: float,
    for_s: float,
    min_calls: int,
    serves: bool,
) -> str:
    """Puts the version on trial by that share of the channel's followers; says by whom.

    Raises:
        CommandError: If it cannot be tried, or somebody moved the channel first: nothing is changed then.
    """
    channel, now_ns = settings.registry.channel, time.time_ns()
    reports = FollowerReports(settings.broker, settings.topics.prefix)
    known: dict[str, FollowerReport] = {}

    def plan(view: ChannelView) -> Rollout:
        if view.current(channel) == version:
            raise CommandError(f"version {version} is what {channel} is at already, wanted another one to try")
        if (running := trial(view, channel)) is not None:
            raise CommandError(
                f"version {running.version} is on trial since it was begun by {running.by}: "
                "wanted none; `mmbind models rollout --stop` ends it"
            )
        known.update(reports.read())
        return plan_of(version, channel, share, for_s, known, now_ns, min_calls=min_calls, serves=serves)

    rollout = operator.try_out(version, plan)
    return _told(version, rollout, [name for name in known if lot_of(name, version) < rollout.upto])


def ended(settings: StreamSettings, operator: Operator) -> str:
    """Ends the trial that is on; which one.

    Raises:
        CommandError: If there is none, or somebody moved the channel first.
    """
    move = trial(read_view(settings), settings.registry.channel)
    if move is None:
        raise CommandError("nothing is on trial")
    return operator.end_trial(move)


def _told(version: int, plan: Rollout, names: list[str]) -> str:
    who = f"{len(names)} known followers: {', '.join(sorted(names)[:5])}" if names else "no known follower"
    how = "and hand out its results" if plan.serves else "and go on handing out the present one's results"
    return (
        f"version {version} is on trial for {plan.for_s:.0f} s by {who} ({plan.upto:.1%} of all), which embed with "
        f"both {how}; the trainer promotes it or rolls it back"
    )
