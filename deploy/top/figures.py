"""A picture's figures in words, line by line. Performs no I/O."""

from collections.abc import Iterator

from deploy.followers.standing import since
from deploy.top.flow import Flow
from deploy.top.node import Node
from deploy.top.pages import Page
from deploy.top.picture import Picture

SHOWN_REASONS = 3


def figures(picture: Picture) -> list[tuple[str, str]]:
    """Name and words of each figure, in the order in which a window passes them."""
    return [
        ("samples", _samples(picture)),
        ("pairs", _pairs(picture)),
        ("precision", precision(picture)),
        ("training", _training(picture)),
        ("served", served(picture)),
        ("rejects", rejects(picture)),
        ("behind", _behind(picture)),
    ]


def rate(per_s: float) -> str:
    """A rate, with a decimal where it is small."""
    return f"{per_s:,.0f}/s" if per_s >= 10 else f"{per_s:.1f}/s"


def total(flow: Flow) -> str:
    """How many there are; with "about" where not all were read."""
    return f"{'' if flow.is_whole else 'about '}{flow.total:,}"


def precision(picture: Picture) -> str:
    """The estimate with its interval, or why there is none."""
    if not picture.worker.answers:
        return _unasked(picture.worker, "worker", "runtime.stream_port")
    said = picture.worker.precision
    if said.value is not None:
        within = f" ({said.low:.0%} to {said.high:.0%})" if said.low is not None and said.high is not None else ""
        return f"{said.value:.0%} of best partners are right{within}, estimated"
    if not picture.samples.total:
        return "unknown: no samples yet"
    if said.state == "none":
        return "none: partners agree no more than chance"
    if not picture.second_sensors:
        return "unknown: no two nodes share a second sensor"
    return "unknown: too few samples so far, or the second sensor says too little"


def served(picture: Picture) -> str:
    """Which version is served, which one tried, and how the followers stand."""
    channel = picture.settings.registry.channel
    pinned = ", pinned" if picture.view.pin(channel) else ""
    words = f"version {picture.served}{pinned}" if picture.served else "no version yet"
    if (move := picture.trial) is not None:
        words += f"; version {move.version} on trial"
    states = [one.state for one in picture.followers if one.state != "stopped"]
    if states:
        counts = ", ".join(f"{states.count(one)} {one}" for one in ("well", "behind", "silent") if one in states)
        words += f"; followers: {counts}"
    return words


def rejects(picture: Picture) -> str:
    """How many, by reason."""
    if not picture.rejects.total:
        return "none"
    counted = picture.reasons.most_common()
    words = ", ".join(f"{n:,} {reason}" for reason, n in counted[:SHOWN_REASONS])
    if len(counted) > SHOWN_REASONS:
        words += f", {len(counted) - SHOWN_REASONS} reasons more"
    lately = picture.rejects.per_s(picture.now_ms)
    return f"{total(picture.rejects)}: {words}" + (f"; {rate(lately)} now" if lately else "")


def versions(picture: Picture) -> Iterator[tuple[str, str]]:
    """Each version and what became of it, the newest first."""
    move = picture.trial
    for version in sorted(picture.view.manifests, reverse=True):
        decision = picture.view.decisions.get(version)
        word = "not judged yet" if decision is None else "passed" if decision.passed else "refused"
        if version == picture.served:
            word += ", served"
        elif move is not None and version == move.version:
            word += ", on trial"
        why = f": {decision.reason}" if decision and not decision.passed else ""
        age = since(picture.view.manifests[version].created_ns, picture.now_ms * 1_000_000)
        yield f"v{version}", f"{age} ago, {word}{why}"


def node_cells(picture: Picture, node: Node) -> tuple[str, ...]:
    """A row in the order of NODE_COLUMNS."""
    n = node.n_watched
    notes = ["held out"] if node.is_held_out else []
    if gap_s := node.clock_gap_s:
        notes.append(f"clocks {gap_s:.0f} s apart")
    heard = since(node.heard_ms * 1_000_000, picture.now_ms * 1_000_000)
    return (
        node.source_id,
        rate(picture.rate(node)),
        heard,
        f"{node.n_whole / n:.0%}",
        f"{node.n_single / n:.0%}",
        ", ".join(notes),
        " ".join(node.modalities),
    )


NODE_COLUMNS = ("node", "samples", "heard", "whole", "single", "", "modalities")


def _unasked(page: Page, name: str, setting: str) -> str:
    return f"not known here: no {name} answers" if page.address else f"not known here: {setting} is 0"


def _samples(picture: Picture) -> str:
    nodes = f"{len(picture.nodes):,} node{'s' * (len(picture.nodes) != 1)}"
    words = f"{total(picture.samples)}{_windows(picture)}, {rate(picture.samples.per_s(picture.now_ms))} of {nodes}"
    whole, single = picture.share("whole"), picture.share("single")
    if whole is not None and single is not None:
        words += f"; {whole:.0%} whole, {single:.0%} single"
    return words


def _windows(picture: Picture) -> str:
    n = picture.worker.total("mmbind_windows_total")
    return f" of {n:,} windows" if n else ""


def _pairs(picture: Picture) -> str:
    words = f"{total(picture.pairs)}, {rate(picture.pairs.per_s(picture.now_ms, picture.bindings))}"
    outcomes = ", ".join(f"{n:,} {outcome}" for outcome, n in picture.outcomes.most_common(4))
    return f"{words}; samples: {outcomes}" if outcomes else words


def _training(picture: Picture) -> str:
    page = picture.trainer
    if not page.answers:
        return _unasked(page, "trainer", "runtime.trainer_port")
    steps = page.total("mmbind_train_steps_total")
    loss = f", loss {page.metrics.get('mmbind_train_loss', 0):.2f}" if steps else ""
    return f"{steps:,} steps{loss}; {page.total('mmbind_replay_samples'):,} samples to learn from"


def _behind(picture: Picture) -> str:
    said = (("worker", picture.worker), ("trainer", picture.trainer))
    return ", ".join(f"{name} {page.lag:,} messages" if page.answers else f"{name} {page.word}" for name, page in said)
