"""The one thing to do next. Pure: a picture in, a sentence out.

Rules are asked in order, what stops everything first; the first that has something to say is heard.
"""

from collections.abc import Callable

from deploy.top import stream_rules, version_rules
from deploy.top.picture import Picture


def advice(picture: Picture) -> str:
    """One sentence, for a person."""
    return next(sentence for rule in RULES if (sentence := rule(picture)))


RULES: tuple[Callable[[Picture], str], ...] = (
    stream_rules.broker_away,
    stream_rules.no_worker,
    stream_rules.worker_not_ready,
    stream_rules.all_rejected,
    stream_rules.no_windows,
    stream_rules.one_node,
    stream_rules.two_devices,
    stream_rules.clocks,
    stream_rules.withheld,
    stream_rules.shared_is_missing,
    stream_rules.no_second_sensor,
    version_rules.no_trainer,
    version_rules.lag_grows,
    version_rules.nobody_held_out,
    stream_rules.some_rejected,
    version_rules.refused_versions,
    version_rules.follower_behind,
    stream_rules.silence,
    version_rules.on_trial,
    version_rules.nothing_to_do,
)
