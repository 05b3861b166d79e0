"""What followers' reports say of a version on trial."""

from collections.abc import Mapping

import msgspec
import pytest

from streams.models.rollout import lot_of, takes_part
from streams.records import ChannelMove, FollowerReport, Rollout, VersionUse
from trainer.rollout.beginning import plan_of
from trainer.rollout.verdict import verdict_on
from trainer.settings import RolloutSettings

S = 10**9
BEGAN_NS = 1_000_000 * S
LIMITS = RolloutSettings()
MOVE = ChannelMove(
    channel="canary",
    seq=1,
    version=7,
    replaces=0,
    reason="",
    by="anna",
    at_ns=BEGAN_NS,
    rollout=Rollout(channel="stable", upto=0.1, for_s=60, min_calls=100),
)


def use(version: int, calls: int = 200, since_ns: int = BEGAN_NS + S, **more: object) -> VersionUse:
    told = {"embed_s": calls * 0.002, "mean_cosine": 0.1} | more
    return VersionUse(version=version, since_ns=since_ns, calls=calls, **told)  # type: ignore[arg-type]


def report(
    name: str = "a", trial: VersionUse | None = None, served: VersionUse | None = None, agreement: float | None = 0.8
) -> FollowerReport:
    return FollowerReport(
        follower_id=name, version=6, at_ns=BEGAN_NS, use=served or use(6), trial=trial, agreement=agreement
    )


def outcome(*reports: FollowerReport, after_s: float = 61) -> tuple[str, str]:
    told: Mapping[str, FollowerReport] = {one.follower_id: one for one in reports}
    found = verdict_on(MOVE, told, BEGAN_NS + int(after_s * S), LIMITS)
    return found.outcome, found.reason


GOOD = report(trial=use(7))


def test_a_good_version_is_promoted_when_the_time_is_up() -> None:
    assert outcome(GOOD, after_s=59) == ("wait", "200 calls in 1 followers, 1 s left")
    told = "200 calls in 1 followers, 0 errors in 61 s, agreement with the served version 0.80"
    assert outcome(GOOD) == ("promote", told)


def test_it_is_said_where_nobody_could_tell_whether_embeddings_drift() -> None:
    blind = report(trial=use(7, mean_cosine=None), agreement=None)
    assert outcome(blind)[1].endswith("drift unknown: they embedded too few unlike windows")
    assert outcome(blind, GOOD, report("b", use(7), agreement=0.7))[1].endswith("served version 0.70")


def test_calls_of_all_who_try_it_count_together_and_only_of_this_version_and_trial() -> None:
    halves = [report(name, use(7, calls=50)) for name in "ab"]
    assert outcome(*halves)[0] == "promote"
    assert outcome(halves[0])[0] == "wait"
    assert outcome(halves[0], report("b", use(5, calls=50)))[0] == "wait"
    assert outcome(halves[0], report("b", use(7, calls=50, since_ns=BEGAN_NS - 61 * S)))[0] == "wait"
    assert outcome(halves[0], report("b", use(7, calls=50, since_ns=BEGAN_NS - 59 * S)))[0] == "promote"
    assert outcome(halves[0], report("b"))[0] == "wait"


def test_without_enough_calls_there_is_no_verdict_and_in_the_end_no_trial() -> None:
    few = report(trial=use(7, calls=99))
    assert outcome(few, after_s=179) == ("wait", "99 calls in 1 followers, wanted 100")
    assert outcome(few, after_s=181) == ("give-up", "no verdict: 99 calls in 1 followers in 181 s, wanted 100")
    assert outcome(after_s=181)[0] == "give-up"


BAD = {
    "3 errors, 60% of its calls beside 0% of the served version's": report(trial=use(7, calls=5, errors=3)),
    "3 errors, 300% of its calls beside 0%": report(trial=use(7, calls=0, errors=3)),
    "unlike windows come out alike, mean cosine 0.95, wanted at most 0.9": report(trial=use(7, mean_cosine=0.95)),
    "it disagrees with the served version about what is alike, agreement 0.44": report(trial=use(7), agreement=0.44),
    "a call takes 6.5 ms, the served version's 2.0 ms": report(trial=use(7, embed_s=200 * 0.0065)),
}


@pytest.mark.parametrize("reason", BAD)
def test_a_bad_one_is_rolled_back_at_once(reason: str) -> None:
    found = outcome(BAD[reason], after_s=2)
    assert found[0] == "roll-back" and found[1].startswith(reason)


@pytest.mark.parametrize(
    "harmless",
    [
        report(trial=use(7, errors=2)),
        report(trial=use(7, errors=20), served=use(6, errors=20)),
        report(trial=use(7, mean_cosine=0.95), served=use(6, mean_cosine=0.92)),
        report(trial=use(7, mean_cosine=None), agreement=None),
        report(trial=use(7, embed_s=200 * 0.0055)),
        report(trial=use(7), served=use(6, calls=0)),
    ],
    ids=["two errors", "as many as usual", "all windows are alike", "unknown", "a little slower", "nothing to compare"],
)
def test_what_is_no_fault_of_the_version_does_not_count(harmless: FollowerReport) -> None:
    assert outcome(harmless)[0] == "promote"


def test_a_version_that_those_who_are_to_try_it_cannot_load_is_rolled_back() -> None:
    all_take_part = msgspec.structs.replace(MOVE, rollout=Rollout(channel="stable", upto=1, for_s=60))
    failed = msgspec.structs.replace(report("a"), last_error="version 7: gravity is damaged")

    def found(*reports: FollowerReport, move: ChannelMove = all_take_part) -> tuple[str, str]:
        verdict = verdict_on(move, {one.follower_id: one for one in reports}, BEGAN_NS + S, LIMITS)
        return verdict.outcome, verdict.reason

    assert found(failed) == ("roll-back", "1 followers cannot load it, 0 can: version 7: gravity is damaged")
    assert found(failed, report("b", use(7)), report("c", use(7)))[0] == "wait"
    assert found(msgspec.structs.replace(failed, last_error="version 6: gone"))[0] == "wait"
    nobody = msgspec.structs.replace(MOVE, rollout=Rollout(channel="stable", upto=1e-9, for_s=60))
    assert found(failed, move=nobody)[0] == "wait"


def test_few_calls_say_nothing_of_time_and_likeness() -> None:
    assert outcome(report(trial=use(7, calls=50, mean_cosine=0.99, embed_s=10)), after_s=2)[0] == "wait"


def test_the_same_tenth_tries_it_and_one_at_least() -> None:
    names = [f"node-{number}" for number in range(1000)]
    tenth = msgspec.structs.replace(MOVE, rollout=Rollout(channel="stable", upto=0.1, for_s=1))
    chosen = {name for name in names if takes_part(tenth, name)}
    assert 70 < len(chosen) < 130 and chosen == {name for name in names if takes_part(tenth, name)}
    other = msgspec.structs.replace(tenth, version=8)
    assert chosen != {name for name in names if takes_part(other, name)}

    now_ns = BEGAN_NS
    few = {name: follower(name, now_ns) for name in "abc"}
    for version in range(30):
        plan = plan_of(version, "stable", 0.01, 60, few, now_ns)
        move = msgspec.structs.replace(MOVE, version=version, rollout=plan)
        taking = [name for name in few if takes_part(move, name)]
        assert taking == [min(few, key=lambda name: lot_of(name, version))]
    assert plan_of(7, "stable", 0.5, 60, few, now_ns).upto >= 0.5


def follower(name: str, at_ns: int, channel: str = "stable", **details: object) -> FollowerReport:
    told = {"channel": channel} | details
    return FollowerReport(follower_id=name, version=6, at_ns=at_ns, use=use(6), details=told)


@pytest.mark.parametrize(
    "other",
    [
        follower("a", BEGAN_NS - 181 * S),
        follower("a", BEGAN_NS, channel="mine"),
        follower("a", BEGAN_NS, stopped=True),
        msgspec.structs.replace(follower("a", BEGAN_NS), use=None),
    ],
    ids=["silent", "of another channel", "stopped", "a worker, which tries nothing"],
)
def test_only_followers_that_can_try_a_version_are_counted_on(other: FollowerReport) -> None:
    assert plan_of(7, "stable", 0.01, 60, {"a": other}, BEGAN_NS).upto == 0.01
    assert plan_of(7, "stable", 0.01, 60, {"a": follower("a", BEGAN_NS)}, BEGAN_NS).upto > 0.01
