"""How each follower stands: judged by its last report, by what its channel wants, and by the time. Performs no I/O."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from streams.models.channels import ChannelView
from streams.records import FollowerReport, VersionUse

# Three reports that did not come.
SILENT_AFTER_S = 180.0

State: TypeAlias = Literal["well", "behind", "silent", "stopped"]


@dataclass(frozen=True, slots=True)
class Standing:
    """One follower's last report, and what is to be thought of it.

    `wanted` is the version that its `channel` points at. It is `behind` where it runs another one; `silent` where it
    has said nothing for three minutes, and may run anything; `stopped` where it said that it stops.
    """

    report: FollowerReport
    channel: str
    wanted: int
    state: State

    def told(self) -> dict[str, Any]:
        """All of it, for programs."""
        report = self.report
        return {
            "follower": report.follower_id,
            "channel": self.channel,
            "version": report.version,
            "wanted": self.wanted,
            "state": self.state,
            "reported_ns": report.at_ns,
            "swaps": report.swaps,
            "failures": report.failures,
            "last_error": report.last_error,
            "use": _use_told(report.use),
            "trial": _use_told(report.trial),
            "agreement": report.agreement,
        }


def standings(reports: Iterable[FollowerReport], view: ChannelView, now_ns: int) -> list[Standing]:
    """One for each report.

    Args:
        reports: The last one of each follower.
        view: Up to date with the topic of models.
        now_ns: Unix time.
    """
    return [_standing(report, view, now_ns) for report in reports]


def _standing(report: FollowerReport, view: ChannelView, now_ns: int) -> Standing:
    said = report.details.get("channel")
    channel = said if isinstance(said, str) else "stable"
    wanted = view.current(channel) or 0
    state: State = "well"
    if report.details.get("stopped") is True:
        state = "stopped"
    elif now_ns - report.at_ns > SILENT_AFTER_S * 1e9:
        state = "silent"
    elif report.version != wanted:
        state = "behind"
    return Standing(report, channel, wanted, state)


def _use_told(use: VersionUse | None) -> dict[str, Any] | None:
    if use is None:
        return None
    return {
        "version": use.version,
        "since_ns": use.since_ns,
        "calls": use.calls,
        "errors": use.errors,
        "ms_per_call": 1000 * use.embed_s / use.calls if use.calls else None,
        "mean_cosine": use.mean_cosine,
    }


def table_rows(found: Sequence[Standing], now_ns: int) -> list[tuple[str, ...]]:
    """A row for each follower, and one below it for the version that it tries, in the order of `COLUMNS`."""
    rows = []
    for one in found:
        report = one.report
        runs = f"{one.channel} {report.version}"
        rows.append((report.follower_id, runs, *_use_cells(report.use, now_ns), _state_cell(one, now_ns)))
        if report.trial is not None:
            alike = "" if report.agreement is None else f"agrees {report.agreement:.2f}"
            rows.append(("", f"on trial {report.trial.version}", *_use_cells(report.trial, now_ns), alike))
    return rows


COLUMNS = ("follower", "runs", "for", "calls", "errors", "ms", "state")


def _use_cells(use: VersionUse | None, now_ns: int) -> tuple[str, ...]:
    if use is None:
        return ("",) * 4
    return (
        since(use.since_ns, now_ns),
        str(use.calls),
        str(use.errors),
        f"{1000 * use.embed_s / use.calls:.1f}" if use.calls else "",
    )


def _state_cell(one: Standing, now_ns: int) -> str:
    if one.state == "behind":
        return f"behind {one.wanted}"
    if one.state == "silent":
        return f"silent {since(one.report.at_ns, now_ns)}"
    return one.state


def since(then_ns: int, now_ns: int) -> str:
    """How long ago, in its largest unit; clocks that differ make it no less than nothing."""
    seconds = max(0, now_ns - then_ns) // 1_000_000_000
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
