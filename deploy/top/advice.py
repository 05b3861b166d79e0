"""The one thing to do next. Pure: a picture in, a sentence out.

Rules are asked in order, what stops everything first; the first that has something to say is heard.
"""

from collections.abc import Callable

from deploy.top.picture import Picture
from deploy.top.remedies import remedy

# Under it a node, or a topic, is too young to be judged.
ENOUGH_SAMPLES = 8
MANY_REJECTS = 0.5
SOME_REJECTS = 0.01
MANY_WITHOUT_PARTNERS = 0.5
ENOUGH_BINDINGS = 100
GUIDE = "deploy/docs/is_binding_working.md"


def advice(picture: Picture) -> str:
    """One sentence, for a person."""
    return next(sentence for rule in RULES if (sentence := rule(picture)))


def broker_away(picture: Picture) -> str:
    """The broker cannot be read."""
    return f"the broker cannot be read, what is shown may be old: {picture.trouble}" if picture.trouble else ""


def no_worker(picture: Picture) -> str:
    """No worker answers, and nothing shows that one runs elsewhere."""
    if picture.worker.is_silent and not picture.samples.per_s(picture.now_ms):
        return f"no worker answers on {picture.worker.address}: start one with `mmbind stream`, or all with `mmbind up`"
    return ""


def worker_not_ready(picture: Picture) -> str:
    """A worker says why it binds nothing."""
    return f"the worker is not ready: {picture.worker.reasons[0]}" if picture.worker.reasons else ""


def all_rejected(picture: Picture) -> str:
    """More is refused than used."""
    refused, used = picture.rejects.per_s(picture.now_ms), picture.samples.per_s(picture.now_ms)
    is_first = picture.rejects.total and not picture.samples.total
    if not is_first and refused <= MANY_REJECTS * (refused + used):
        return ""
    return ("all windows are" if is_first else "most of what comes is") + f" refused, {_commonest(picture)}"


def no_windows(picture: Picture) -> str:
    """Nothing was sent yet."""
    if picture.samples.total or picture.rejects.total or picture.worker.total("mmbind_windows_total"):
        return ""
    names = ", ".join(picture.settings.modalities)
    return (
        f"no windows yet: send them to {picture.settings.broker.bootstrap_servers}, topics "
        f"{picture.names.windows('<modality>')} ({names}), or try `mmbind replay watch --speed 20`"
    )


def one_node(picture: Picture) -> str:
    """Pairs are of two nodes."""
    if len(picture.nodes) != 1 or picture.samples.total < ENOUGH_SAMPLES:
        return ""
    return f"only {next(iter(picture.nodes))} sends: a pair is of two nodes, so start a second one"


def two_devices(picture: Picture) -> str:
    """A worker has seen two devices under one id."""
    if not picture.worker.labelled("mmbind_doubtful_sources_total", "doubt", "two-devices"):
        return ""
    refused = picture.last_reject.get("duplicate")
    who = f"{refused.source}, perhaps: two devices send" if refused else "two devices send"
    return f"{who} under one source_id, which the worker's log names: give each its own"


def clocks(picture: Picture) -> str:
    """The sensors of a node disagree on the time."""
    apart = [(node.clock_gap_s, node.source_id) for node in picture.nodes.values()]
    gap_s, source_id = max(apart, default=(0.0, ""))
    if not gap_s:
        return ""
    more = sum(one > 0 for one, _ in apart) - 1
    others = f" ({more} more nodes alike)" if more > 1 else " (one more node alike)" if more else ""
    return f"{source_id}'s clocks disagree by {gap_s:.0f} s{others}: its windows seldom come together, set its clocks"


def withheld(picture: Picture) -> str:
    """Binding is no better than chance."""
    shared = picture.settings.shared_modality
    if picture.worker.precision.state == "none":
        word = "pairs are withheld" if picture.outcomes["withheld"] else "pairs are no better than chance"
        return f"{word}: look at the windows of {shared}, or set another shared_modality ({GUIDE}, Decide)"
    return ""


def shared_is_missing(picture: Picture) -> str:
    """Most samples lack what binds."""
    n, n_without = picture.outcomes.total(), picture.outcomes["no-shared-modality"]
    if n < ENOUGH_SAMPLES or n_without <= MANY_WITHOUT_PARTNERS * n:
        return ""
    return (
        f"{n_without / n:.0%} of the samples have no {picture.settings.shared_modality} that moves, which binds: "
        "set shared_modality to a sensor that most nodes have"
    )


def no_second_sensor(picture: Picture) -> str:
    """Nobody can bear a pair out."""
    if picture.samples.total < ENOUGH_SAMPLES or len(picture.nodes) < 2 or picture.second_sensors:
        return ""
    if picture.worker.precision.state != "unknown":
        return ""
    return (
        f"no two nodes share a second sensor beside {picture.settings.shared_modality}: "
        "the estimate stays unknown, so give two nodes the same one"
    )


def no_trainer(picture: Picture) -> str:
    """No trainer answers, or it says why it learns nothing."""
    page = picture.trainer
    if page.is_silent:
        return f"no trainer answers on {page.address}: start one with `mmbind train`, or no versions will come"
    return f"the trainer is not ready: {page.reasons[0]}" if page.reasons else ""


def lag_grows(picture: Picture) -> str:
    """More comes than is worked off."""
    if not (growth := picture.lag_growth):
        return ""
    page, what = max(
        (picture.worker, "more workers (README, How many workers)"),
        (picture.trainer, "trainer.backlog_bindings, or a faster machine for the trainer"),
        key=lambda one: one[0].lag,
    )
    name = "worker" if page is picture.worker else "trainer"
    return f"the {name} falls behind, by {growth:,} messages in half a minute ({page.lag:,} now): {what} may help"


def nobody_held_out(picture: Picture) -> str:
    """The gate has nothing to judge by."""
    if picture.samples.total < ENOUGH_SAMPLES or len(picture.nodes) < 2:
        return ""
    if any(node.is_held_out for node in picture.nodes.values()):
        return ""
    return "no node is held out, so the gate cannot judge versions: name one or two in ingest.held_out_sources"


def some_rejected(picture: Picture) -> str:
    """A part of what comes is refused."""
    refused, used = picture.rejects.per_s(picture.now_ms), picture.samples.per_s(picture.now_ms)
    return f"some records are refused, {_commonest(picture)}" if refused > SOME_REJECTS * (refused + used) else ""


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


RULES: tuple[Callable[[Picture], str], ...] = (
    broker_away,
    no_worker,
    worker_not_ready,
    all_rejected,
    no_windows,
    one_node,
    two_devices,
    clocks,
    withheld,
    shared_is_missing,
    no_second_sensor,
    no_trainer,
    lag_grows,
    nobody_held_out,
    some_rejected,
    refused_versions,
    follower_behind,
    on_trial,
    nothing_to_do,
)


def _commonest(picture: Picture) -> str:
    """The commonest reason, an example and the remedy."""
    if not picture.reasons:
        return "`mmbind rejects list` says why"
    reason, n = picture.reasons.most_common(1)[0]
    last = picture.last_reject[reason]
    field = f"{last.field} " if last.field else ""
    wanted = f", wanted {last.wanted}" if last.wanted else ""
    return f"{n:,} for {reason} ({last.source}: {field}{last.got}{wanted}): {remedy(reason)}"
