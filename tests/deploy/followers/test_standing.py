"""Which follower is well, behind, silent or stopped, and what the table says of it."""

from typing import Any

import msgspec
import pytest

from deploy.followers.standing import COLUMNS, standings, table_rows
from streams.messages.message import Message
from streams.models.channels import ChannelView, move_record
from streams.records import FollowerReport, VersionUse
from trainer.rollout.reports import newest

NOW_NS = 1_700_000_000_000_000_000
S = 1_000_000_000


@pytest.fixture
def view() -> ChannelView:
    """stable is at 8, lab at 9."""
    view = ChannelView()
    for offset, (channel, version) in enumerate([("stable", 7), ("stable", 8), ("lab", 9)]):
        assert view.apply(*move_record(view, channel, version, "", "test", 1), offset) is None
    return view


def report(follower_id: str = "node-1", version: int = 8, ago_s: float = 10, **more: Any) -> FollowerReport:
    details = {"channel": "stable"} | more.pop("details", {})
    at_ns = NOW_NS - round(ago_s * S)
    return FollowerReport(follower_id=follower_id, version=version, at_ns=at_ns, details=details, **more)


def use(version: int = 8, **more: Any) -> VersionUse:
    given = {"since_ns": NOW_NS - 7200 * S, "calls": 200, "errors": 3, "embed_s": 0.5, "mean_cosine": 0.125} | more
    return VersionUse(version=version, **given)


@pytest.mark.parametrize(
    ("told", "state", "cell"),
    [
        (report(), "well", "well"),
        (report(version=7), "behind", "behind 8"),
        (report(version=9), "behind", "behind 8"),
        (report(version=9, details={"channel": "lab"}), "well", "well"),
        (report(version=3, details={"channel": "never-moved"}), "behind", "behind 0"),
        (report(details={"channel": 5}), "well", "well"),
        (report(ago_s=180), "well", "well"),
        (report(ago_s=181), "silent", "silent 3 min"),
        (report(version=7, ago_s=90_000), "silent", "silent 1 d"),
        (report(version=7, details={"stopped": True}), "stopped", "stopped"),
        (report(ago_s=-500), "well", "well"),
    ],
)
def test_each_state_has_its_reason(view: ChannelView, told: FollowerReport, state: str, cell: str) -> None:
    (found,) = standings([told], view, NOW_NS)
    assert found.state == state
    assert table_rows([found], NOW_NS)[0][-1] == cell


def test_a_row_says_how_it_does_and_the_next_one_how_the_trial_does(view: ChannelView) -> None:
    tried = use(9, since_ns=NOW_NS - 65 * S, calls=10, errors=0, embed_s=0.02, mean_cosine=None)
    found = standings([report(use=use(), trial=tried, agreement=0.987), report("node-2")], view, NOW_NS)
    rows = table_rows(found, NOW_NS)
    assert rows == [
        ("node-1", "stable 8", "2 h", "200", "3", "2.5", "well"),
        ("", "on trial 9", "1 min", "10", "0", "2.0", "agrees 0.99"),
        ("node-2", "stable 8", "", "", "", "", "well"),
    ]
    assert {len(row) for row in rows} == {len(COLUMNS)}


def test_a_version_that_was_not_called_yet_has_no_mean(view: ChannelView) -> None:
    (found,) = standings([report(use=use(calls=0, errors=0, embed_s=0.0, mean_cosine=None))], view, NOW_NS)
    assert table_rows([found], NOW_NS)[0][2:6] == ("2 h", "0", "0", "")


def test_programs_are_told_all(view: ChannelView) -> None:
    told = report(version=7, use=use(7), trial=use(9), agreement=0.5, swaps=4, failures=2, last_error="version 8: gone")
    (found,) = standings([told], view, NOW_NS)
    trial = {"version": 9, "since_ns": NOW_NS - 7200 * S, "calls": 200, "errors": 3, "ms_per_call": 2.5}
    assert found.told() == {
        "follower": "node-1",
        "channel": "stable",
        "version": 7,
        "wanted": 8,
        "state": "behind",
        "reported_ns": NOW_NS - 10 * S,
        "swaps": 4,
        "failures": 2,
        "last_error": "version 8: gone",
        "use": trial | {"version": 7, "mean_cosine": 0.125},
        "trial": trial | {"mean_cosine": 0.125},
        "agreement": 0.5,
    }


def message(key: str, value: bytes | None, offset: int) -> Message:
    return Message("mmbind.followers", 0, offset, key.encode(), value, ())


def test_the_last_report_of_each_counts_and_what_is_none_is_passed_over() -> None:
    said = [
        ("b", msgspec.json.encode(report("b", 1))),
        ("a", msgspec.json.encode(report("a", 1))),
        ("b", msgspec.json.encode(report("b", 2))),
        ("b", b"nonsense"),
        ("c", b'{"follower_id": "c"}'),
        ("d", msgspec.json.encode(report("d", 1))),
        ("d", None),
    ]
    found = newest(message(key, value, offset) for offset, (key, value) in enumerate(said))
    assert [(one.follower_id, one.version) for one in found] == [("a", 1), ("b", 2)]
