"""Puts a version on trial by some followers, or ends the trial that is on."""

import re
import time

from deploy.errors import CommandError, WrongInput
from encoders.bundle import BundleError
from streams.broker.connection import connect_or_explain
from streams.models.channels import ChannelView, move_record
from streams.models.registry import Registry
from streams.models.rollout import CANARY, lot_of, trial
from streams.records import Rollout
from streams.settings import StreamSettings
from trainer.rollout.beginning import plan_of
from trainer.rollout.reports import FollowerReports
from trainer.topics.models import KafkaModels

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
    *,
    share: float,
    for_s: float,
    min_calls: int,
    serves: bool,
    by: str,
    reason: str,
    force: bool = False,
) -> str:
    """Puts the version on trial by that share of the channel's followers; says by whom.

    Raises:
        CommandError: If it cannot be tried, or somebody moved the channel first: nothing is changed then.
    """
    channel, models = settings.registry.channel, KafkaModels(settings.broker, settings.topics.prefix)
    try:
        view = connect_or_explain(models.refresh, settings.broker)
        overridden = _refusals(view, settings, version, channel, force)
        reports = FollowerReports(settings.broker, settings.topics.prefix).read()
        now_ns = time.time_ns()
        plan = plan_of(version, channel, share, for_s, reports, now_ns, min_calls=min_calls, serves=serves)
        told = "; ".join([reason, *overridden])
        _move(models, move_record(view, CANARY, version, told, by, now_ns, rollout=plan))
    finally:
        models.close()
    return _told(version, plan, [name for name in reports if lot_of(name, version) < plan.upto])


def ended(settings: StreamSettings, by: str, reason: str) -> str:
    """Ends the trial that is on; which one.

    Raises:
        CommandError: If there is none, or somebody moved the channel first.
    """
    models = KafkaModels(settings.broker, settings.topics.prefix)
    try:
        view = connect_or_explain(models.refresh, settings.broker)
        move = trial(view, settings.registry.channel)
        if move is None:
            raise CommandError("nothing is on trial")
        _move(models, move_record(view, CANARY, 0, f"version {move.version} ended: {reason}", by, time.time_ns()))
    finally:
        models.close()
    return f"version {move.version} is no longer on trial"


def _refusals(view: ChannelView, settings: StreamSettings, version: int, channel: str, force: bool) -> list[str]:
    """What `force` overrides; all else is refused."""
    manifest = view.manifests.get(version)
    if manifest is None:
        known = ", ".join(map(str, sorted(view.manifests))) or "none"
        raise CommandError(f"version {version} is unknown, wanted one of: {known}")
    if view.current(channel) == version:
        raise CommandError(f"version {version} is what {channel} is at already, wanted another one to try")
    if (running := trial(view, channel)) is not None:
        raise CommandError(
            f"version {running.version} is on trial since it was begun by {running.by}: "
            "wanted none; `mmbind models rollout --stop` ends it"
        )
    try:
        Registry(settings.registry.root).fetch(manifest)
    except BundleError as error:
        raise CommandError(f"version {version} is damaged, wanted a whole one: {error}") from error
    decision = view.decisions.get(version)
    if decision is not None and decision.passed:
        return []
    what = f"was refused by the gate ({decision.reason})" if decision else "has no word of the gate"
    if not force:
        raise CommandError(f"version {version} {what}, wanted one that passed; --force tries it all the same")
    return [f"overridden: version {version} {what}"]


def _move(models: KafkaModels, record: tuple[bytes, bytes]) -> None:
    models.append(record)
    view = models.refresh()
    if not view.counted(record[0]):
        first = view.history(CANARY)[-1]
        raise CommandError(f"{CANARY} was moved to {first.version} by {first.by} first: nothing was changed")


def _told(version: int, plan: Rollout, names: list[str]) -> str:
    who = f"{len(names)} known followers: {', '.join(sorted(names)[:5])}" if names else "no known follower"
    how = "and hand out its results" if plan.serves else "and go on handing out the present one's results"
    return (
        f"version {version} is on trial for {plan.for_s:.0f} s by {who} ({plan.upto:.1%} of all), which embed with "
        f"both {how}; the trainer promotes it or rolls it back"
    )
