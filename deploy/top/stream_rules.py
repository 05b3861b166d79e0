"""What may be wrong with what nodes send and how it is bound. Pure: a rule gives a sentence, or none."""

from deploy.top.picture import Picture
from deploy.top.remedies import remedy

# Under it a node, or a topic, is too young to be judged.
ENOUGH_SAMPLES = 8
MANY_REJECTS = 0.5
SOME_REJECTS = 0.01
MANY_WITHOUT_PARTNERS = 0.5
SILENT_HOPS = 6
GUIDE = "deploy/docs/is_binding_working.md"


def broker_away(picture: Picture) -> str:
    """The broker cannot be read."""
    return f"the broker cannot be read, what is shown may be old: {picture.trouble}" if picture.trouble else ""


def no_worker(picture: Picture) -> str:
    """No worker answers, and nothing shows that one runs elsewhere."""
    if picture.worker.is_silent and not picture.samples.per_s(picture.now_ms):
        return f"no worker answers yet on {picture.worker.address}: `mmbind stream` starts one, `mmbind up` starts all"
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


def some_rejected(picture: Picture) -> str:
    """A part of what comes is refused."""
    refused, used = picture.rejects.per_s(picture.now_ms), picture.samples.per_s(picture.now_ms)
    return f"some records are refused, {_commonest(picture)}" if refused > SOME_REJECTS * (refused + used) else ""


def silence(picture: Picture) -> str:
    """Nothing comes any more, or not from one of the nodes."""
    limit_s = SILENT_HOPS * picture.settings.ingest.hop_s
    if picture.silent_s > limit_s:
        return f"no samples for {picture.silent_s:.0f} s: no node sends"
    silent = [one for one in picture.nodes.values() if picture.now_ms - one.heard_ms > 1000 * limit_s]
    if not silent:
        return ""
    last = max(silent, key=lambda one: one.heard_ms)
    more = f" (and {len(silent) - 1:,} more)" if len(silent) > 1 else ""
    seconds = (picture.now_ms - last.heard_ms) / 1000
    return f"{last.source_id}{more} has sent nothing for {seconds:.0f} s, while others do"


def _commonest(picture: Picture) -> str:
    """The commonest reason, an example and the remedy."""
    if not picture.reasons:
        return "`mmbind rejects list` says why"
    reason, n = picture.reasons.most_common(1)[0]
    last = picture.last_reject[reason]
    field = f"{last.field} " if last.field else ""
    wanted = f", wanted {last.wanted}" if last.wanted else ""
    return f"{n:,} for {reason} ({last.source}: {field}{last.got}{wanted}): {remedy(reason)}"
