"""The bind stage without Faust and without a broker: what it needs of both is handed in."""

import asyncio
import itertools
import threading
from collections.abc import Iterable, Mapping

import numpy as np
import pytest

from streams.messages.outbox import OutMessage
from streams.records import Sample
from tests.support.bind_bench import SAMPLES, Bench, broken, encoder, run, until, wanted


def test_acknowledges_in_order_what_the_broker_has_and_not_before() -> None:
    async def work(bench: Bench) -> None:
        await bench.begin([])
        bench.writes.meanwhile = lambda: seen.append(list(bench.acked))
        await bench.stage.bind([bench.event(i, SAMPLES[10 * i : 10 * i + 10]) for i in range(3)])

    seen: list[list[int]] = []
    bench = run(work)
    assert seen == [[]]
    assert bench.acked == [0, 1, 2]
    assert [one.sample_id for one in bench.writes.bindings if not one.round] == [one.sample_id for one in SAMPLES[:30]]
    assert bench.shown("mmbind_bind_seconds_count") == 1


def test_the_next_micro_batch_is_bound_meanwhile_and_written_after_the_one_before() -> None:
    async def work(bench: Bench) -> None:
        await bench.begin([])
        may_go_on, told = asyncio.Event(), []

        async def deliver(messages: Iterable[OutMessage]) -> int:
            told.append("begun")
            await may_go_on.wait()
            told.append("done")
            return 0

        bench.writes.deliver = deliver  # type: ignore[method-assign]
        await bench.stage.bind([bench.event(0, SAMPLES[:10])])
        second = asyncio.create_task(bench.stage.bind([bench.event(1, SAMPLES[10:20])]))
        await asyncio.wait({second}, timeout=0.5)
        assert (told, second.done(), bench.acked) == (["begun"], False, [])
        may_go_on.set()
        await second
        await until(lambda: len(bench.acked) == 2, bench.stage.tick)
        assert (told, bench.acked) == (["begun", "done"] * 2, [0, 1])

    run(work)


def test_a_tick_does_not_wait_for_a_broker_that_is_away() -> None:
    async def work(bench: Bench) -> None:
        comes_back = asyncio.Event()

        async def deliver(messages: Iterable[OutMessage]) -> int:
            await comes_back.wait()
            return 0

        await bench.begin([])
        bench.writes.deliver = deliver  # type: ignore[method-assign]
        await bench.stage.bind([bench.event(0, SAMPLES[:10])])
        await asyncio.wait_for(bench.stage.tick(), timeout=10)
        assert bench.acked == []
        comes_back.set()
        await bench.stage.drain()
        assert bench.acked == [0]

    run(work)


def test_what_comes_up_while_it_is_written_is_told_by_the_next_tick() -> None:
    async def work(bench: Bench) -> None:
        is_written = asyncio.Event()

        async def refuse(messages: Iterable[OutMessage]) -> int:
            is_written.set()
            raise ValueError("no such topic")

        await bench.begin([])
        bench.writes.deliver = refuse  # type: ignore[method-assign]
        await bench.stage.bind([bench.event(0, SAMPLES[:10])])
        await is_written.wait()
        with pytest.raises(ValueError, match="no such topic"):
            await bench.stage.tick()
        assert bench.acked == []

    run(work)


def test_an_assignment_that_ended_is_neither_bound_nor_acknowledged() -> None:
    async def work(bench: Bench) -> None:
        await bench.begin([])

        def rebalance() -> None:
            bench.app.consumer_generation_id = 2

        await bench.stage.bind([bench.event(0, SAMPLES[:5], generation=0)])
        bench.writes.meanwhile = rebalance
        await bench.stage.bind([bench.event(1, SAMPLES[5:10])])

    bench = run(work)
    assert [one.sample_id for one in bench.writes.bindings] == [one.sample_id for one in SAMPLES[5:10]]
    assert bench.acked == []


def test_a_wanted_model_is_swapped_in_between_two_micro_batches() -> None:
    async def work(bench: Bench) -> None:
        await bench.begin(SAMPLES[:60])
        bench.mailbox.put(wanted(3, encoder))
        offsets = itertools.count(1)

        async def next_batch() -> None:
            offset = next(offsets)
            await bench.stage.bind([bench.event(offset, SAMPLES[60 + offset : 61 + offset])])

        await until(lambda: bench.mailbox.in_use.version == 3, next_batch)
        await bench.stage.bind([bench.event(999, SAMPLES[-1:])])

    bench = run(work)
    versions = [one.model_version for one in bench.writes.bindings if not one.round]
    assert versions == sorted(versions)
    assert (versions[0], versions[-1]) == (0, 3)
    assert bench.shown("mmbind_generation_info", version="3") == 1
    assert bench.shown("mmbind_rebuild_seconds_count") == 1


def test_a_wanted_model_is_swapped_in_where_no_samples_come() -> None:
    async def work(bench: Bench) -> None:
        await bench.begin(SAMPLES[:60])
        bench.mailbox.put(wanted(3, encoder))
        await until(lambda: bench.mailbox.in_use.version == 3, bench.stage.tick)

    assert run(work).shown("mmbind_generation_info", version="3") == 1


def test_a_model_that_cannot_be_built_is_refused_and_the_stream_goes_on() -> None:
    async def work(bench: Bench) -> None:
        await bench.begin(SAMPLES[:60])
        bench.mailbox.put(bad := wanted(4, broken))
        await until(lambda: bench.mailbox.wanted is not bad, bench.stage.tick)
        with pytest.raises(ValueError, match="unit length"):
            bench.mailbox.wait()
        await bench.stage.bind([bench.event(0, SAMPLES[60:65])])

    bench = run(work)
    assert {one.model_version for one in bench.writes.bindings} == {0}
    assert bench.acked == [0]


def test_a_new_assignment_begins_under_the_wanted_model_or_where_it_is_no_good_under_the_one_before() -> None:
    async def work(bench: Bench) -> None:
        bench.mailbox.put(wanted(3, encoder))
        await bench.begin(SAMPLES[:60])
        await bench.stage.bind([bench.event(0, SAMPLES[60:62])])
        bench.mailbox.put(wanted(4, broken))
        await bench.stage.drain()
        await bench.begin(SAMPLES[:62])
        await bench.stage.bind([bench.event(1, SAMPLES[62:64])])

    bench = run(work)
    assert {one.model_version for one in bench.writes.bindings} == {3}
    assert bench.mailbox.wanted.version == bench.mailbox.in_use.version == 3


def test_what_stays_with_a_worker_is_kept_and_not_read_again() -> None:
    async def work(bench: Bench) -> None:
        assert await bench.begin(SAMPLES[:60]) == 60
        await bench.stage.bind([bench.event(60, SAMPLES[60:61])])
        # Its own commit came late: what it bound itself is not bound again either.
        assert await bench.begin(SAMPLES, committed=55) == 0
        await bench.stage.bind([bench.event(60, SAMPLES[60:61]), bench.event(61, SAMPLES[61:62])])
        await bench.stage.measure()

    bench = run(work)
    first = [one for one in bench.writes.bindings if not one.round]
    assert [(one.sample_id, one.sequence) for one in first] == [(SAMPLES[60].sample_id, 1), (SAMPLES[61].sample_id, 2)]
    assert {one.worker for one in first} == {"w-1"}
    assert bench.acked == [60, 60, 61]
    assert bench.shown("mmbind_index_vectors") == 62


def test_what_another_worker_bound_meanwhile_is_taken_into_the_history() -> None:
    async def work(bench: Bench) -> None:
        await bench.begin(SAMPLES[:60])
        assert await bench.begin(SAMPLES, committed=70) == 10
        await bench.stage.bind([bench.event(70, SAMPLES[70:71]), bench.event(71, SAMPLES[65:66])])
        await bench.stage.measure()

    bench = run(work)
    assert [one.sample_id for one in bench.writes.bindings if not one.round] == [SAMPLES[70].sample_id]
    assert {one.worker for one in bench.writes.bindings} == {"w-2"}
    assert bench.shown("mmbind_index_vectors") == 71


def test_a_build_for_an_assignment_that_ended_is_let_go() -> None:
    may_build = threading.Event()

    def slow(windows: np.ndarray) -> np.ndarray:
        if len(windows) > 1:  # one window only tells how long an embedding is
            may_build.wait(10)
        return encoder(windows)

    async def work(bench: Bench) -> None:
        await bench.begin(SAMPLES[:60])
        bench.mailbox.put(wanted(3, slow))
        await bench.stage.tick()
        bench.mailbox.put(wanted(4, encoder))
        await bench.stage.drain()
        await bench.begin(SAMPLES[:64])
        assert bench.mailbox.in_use.version == 4
        may_build.set()

    assert run(work).shown("mmbind_generation_info", version="4") == 1


def test_a_history_that_is_built_anew_reaches_up_to_what_was_bound_and_holds_only_what_it_is_given() -> None:
    asked: list[dict[int, int]] = []

    def read_back(upto: Mapping[int, int]) -> list[Sample]:
        asked.append(dict(upto))
        return [one for one in SAMPLES[:65] if one.source_id != "node-01"]

    async def work(bench: Bench) -> None:
        await bench.begin(SAMPLES[:60])
        await bench.stage.bind([bench.event(60, SAMPLES[60:65])])
        await bench.stage.rebuild(read_back)
        bench.writes.bindings.clear()
        await bench.stage.bind([bench.event(61, SAMPLES[65:125])])

    partners = [to.sample_id for one in run(work).writes.bindings if not one.round for to in one.partners]
    known = {one.sample_id for one in SAMPLES[:65] if one.source_id == "node-01"}
    assert asked == [{0: 61}]
    assert partners and not known & set(partners)
