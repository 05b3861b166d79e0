"""When the history is read back without sources that are to be forgotten; no broker."""

import asyncio
from typing import Any, cast

import pytest

from streams.broker.log import LogError
from streams.forgotten import Forgotten
from streams.messages.rejects import InvalidRecord
from streams.records import Sample
from streams.testing import SyntheticWorld
from streams.worker.forget_stage import ForgetStage

SAMPLES = {sample.source_id: sample for sample in SyntheticWorld(2).samples(1)}


class Told:
    """What the topic says; `fresh` is news at the next poll, `n_failures` times the broker does not answer."""

    def __init__(self) -> None:
        self.fresh: frozenset[str] = frozenset()
        self.n_failures = 0
        self._all: set[str] = set()

    def __contains__(self, source_id: object) -> bool:
        return source_id in self._all

    @property
    def sources(self) -> frozenset[str]:
        return frozenset(self._all)

    def poll(self) -> frozenset[str]:
        if self.n_failures:
            self.n_failures -= 1
            raise LogError("away")
        fresh, self.fresh = self.fresh, frozenset()
        self._all |= fresh
        return fresh


def unchanged(sample: Sample) -> Sample:
    return sample


def rebuilds(stage: ForgetStage, fails: int = 0, erased: list[frozenset[str]] | None = None) -> int:
    """How often the history is read back while the stage watches for a moment."""
    n_times = 0

    async def erase(sources: frozenset[str]) -> None:
        if erased is not None:
            erased.append(sources)

    async def rebuild() -> None:
        nonlocal n_times
        n_times += 1
        if n_times <= fails:
            raise LogError("away")

    async def watch() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(stage.watch(rebuild, erase), 0.3)

    asyncio.run(watch())
    return n_times


def stage(told: Told) -> ForgetStage:
    return ForgetStage(cast(Forgotten, cast(Any, told)), look_every_s=0.01)


def test_a_history_that_is_read_anew_lacks_what_was_forgotten_before_and_is_not_read_twice() -> None:
    told = Told()
    told.fresh, told.n_failures = frozenset({"node-01"}), 2
    forget = stage(told)
    check = forget.check(unchanged, anew=True)
    assert check(SAMPLES["node-00"]) is SAMPLES["node-00"]
    with pytest.raises(InvalidRecord, match="forgotten"):
        check(SAMPLES["node-01"])
    assert rebuilds(forget) == 0


def test_what_is_heard_of_while_a_history_is_kept_is_forgotten_all_the_same() -> None:
    told = Told()
    forget = stage(told)
    told.fresh = frozenset({"node-01"})
    forget.check(unchanged, anew=False)
    assert "node-01" in forget
    assert rebuilds(forget) == 1


def test_what_could_not_be_read_back_is_tried_again_and_then_no_more() -> None:
    told = Told()
    told.fresh = frozenset({"node-01"})
    assert rebuilds(stage(told), fails=2) == 3


def test_what_was_told_of_a_forgotten_source_is_taken_back_once_whether_or_not_anybody_was_there() -> None:
    told = Told()
    told.fresh = frozenset({"node-01"})
    forget, erased = stage(told), list[frozenset[str]]()
    forget.check(unchanged, anew=True)
    rebuilds(forget, erased=erased)
    assert erased == [{"node-01"}]
    told.fresh = frozenset({"node-00"})
    rebuilds(forget, erased=erased)
    assert erased == [{"node-01"}, {"node-00"}]
