"""What may be wrong with training, versions and followers. Pure: a rule gives a sentence, or none."""

from deploy.top.picture import Picture
from deploy.top.stream_rules import ENOUGH_SAMPLES, GUIDE

ENOUGH_BINDINGS = 100
# A follower takes up a version in seconds.
ROLL_S = 30.0


def no_trainer(picture: Picture) -> str:
    """No trainer answers, or it says why it learns nothing."""
    page = picture.trainer
    if page.is_silent:
        return f"no trainer answers yet on {page.address}: without one, which `mmbind train` starts, no versions come"
    return f"the trainer is not ready: {page.reasons[0]}" if page.reasons else ""


def lag_grows(picture: Picture) -> str:
    """More comes than is worked off."""
    if growth := picture.lag_growth("worker"):
        return f"the worker falls behind, by {growth:,} messages in half a minute: start more of them"
    if growth := picture.lag_growth("trainer"):
        return f"the trainer falls behind, by {growth:,} messages in half a minute: lower trainer.backlog_bindings"
    return ""


def nobody_held_out(picture: Picture) -> str:
    """The gate has nothing to judge by."""
    if picture.samples.total < ENOUGH_SAMPLES or len(picture.nodes) < 2:
        return ""
    if any(node.is_held_out for node in picture.nodes.values()):
        return ""
    return "no node is held out, so the gate cannot judge versions: name one or two in ingest.held_out_sources"


def refused_versions(picture: Picture) -> str:
    """The gate let the newest version not pass."""
    decisions = picture.view.decisions
    if not decisions or decisions[newest := max(decisions)].passed:
        return ""
    serves = f"version {picture.served} is served on" if picture.served else "none is served"
    return f"version {newest} was refused and {serves}: {decisions[newest].reason}"


def follower_behind(picture: Picture) -> str:
    """A follower runs another version than its channel wants, or has gone silent."""
    for state, word in (("behind", "is behind"), ("silent", "has said nothing for three minutes")):
        late = [one for one in picture.followers if one.state == state]
        if late:
            one = late[0]
            if state == "behind" and _moved_lately(picture, one.channel):
                continue
            more = f" (and {len(late) - 1} more)" if len(late) > 1 else ""
            why = f": {one.report.last_error}" if one.report.last_error else ""
            return (
                f"follower {one.report.follower_id} {word}{more}, it runs {one.report.version} and {one.channel} wants "
                f"{one.wanted}{why}"
            )
    return ""


def on_trial(picture: Picture) -> str:
    """Somebody tries a version."""
    move = picture.trial
    if move is None:
        return ""
    return f"nothing to do: version {move.version} is on trial, and the trainer promotes it or rolls it back"


def nothing_to_do(picture: Picture) -> str:
    """What is being waited for, or that all is well."""
    if picture.worker.precision.state == "unknown" and picture.worker.answers:
        if picture.bindings.total < ENOUGH_BINDINGS:
            return f"nothing to do: the estimate comes after some hundred samples, {picture.bindings.total} are bound"
        return f"nothing to do: the estimate is unknown so far ({GUIDE} says what if it stays)"
    if not picture.view.manifests:
        return "nothing to do: the first version comes when enough pairs are trained on"
    return "all is well"


def _moved_lately(picture: Picture, channel: str) -> bool:
    moves = picture.view.history(channel)
    return bool(moves) and picture.now_ms - moves[-1].at_ns / 1e6 < 1000 * ROLL_S
