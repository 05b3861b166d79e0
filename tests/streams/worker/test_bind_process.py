"""The process that binds: it gives what binding here would, and whatever ends it or is cut short is told."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import psutil
import pytest

from deploy.machine.brokers import EmbeddedBroker
from streams.messages.codec import decode_many, encode_batch
from streams.messages.message import Message
from streams.records import Binding
from streams.review.question import Encoders
from streams.service.lifecycle import EXIT_FAILED
from streams.settings import StreamSettings
from streams.testing import SyntheticWorld
from streams.worker.bind_process import BindProcess, BindProcessError
from streams.worker.bind_work import Answered, BindWork
from streams.worker.history_watch import HistoryFigures
from streams.worker.mailbox import NO_MODEL, WantedModel
from tests.support.waiting import wait_until
from tests.support.workers import Farm, complete_world

WORLD = SyntheticWorld(n_sources=6, n_classes=3)
SAMPLES = list(WORLD.samples(30))
MESSAGES = [Message("mmbind.samples", 0, n, b"k", encode_batch(SAMPLES[n : n + 20])) for n in range(60, 120, 20)]


class NotSentError(Exception):
    """Cannot be read again: its text is made of two."""

    def __init__(self, one: str, other: str) -> None:
        super().__init__(f"{one} and {other}")


def refuse() -> Encoders:
    raise NotSentError("weights", "no weights")


def lose() -> Encoders:
    raise ConnectionResetError("the registry")


@pytest.fixture
def settings(tmp_path: Path) -> StreamSettings:
    return WORLD.settings(topics={"pair_partitions": 1}, runtime={"data_dir": str(tmp_path)})


@pytest.fixture
def process(settings: StreamSettings) -> Iterator[BindProcess]:
    one = BindProcess(settings)
    yield one
    one.close()
    assert not psutil.pid_exists(one.pid)


def bindings(answers: list[Answered]) -> list[Binding]:
    return [one for answer in answers for message in answer.written for one in decode_many(message.value, Binding)]


def begin_there(process: BindProcess, then: Callable[[], Awaitable[None]]) -> None:
    async def work() -> None:
        await process.do(BindWork.begin, SAMPLES[:60], "w", NO_MODEL, NO_MODEL)
        await then()

    asyncio.run(work())


def test_it_gives_what_the_same_work_gives_here(process: BindProcess, settings: StreamSettings) -> None:
    found: list[Answered] = []

    async def then() -> None:
        for message in MESSAGES:
            found.extend(await process.do(BindWork.accept, [message]))
        figures.append(await process.do(BindWork.figures))

    figures: list[HistoryFigures] = []
    here = BindWork(settings, lambda: 0.0)
    here.begin(SAMPLES[:60], "w", NO_MODEL, NO_MODEL)
    begin_there(process, then)
    wanted = [answer for message in MESSAGES for answer in here.accept([message])]
    assert bindings(found) == bindings(wanted) != []
    assert [one.counts.outcomes for one in found] == [one.counts.outcomes for one in wanted]
    assert figures[0].n_vectors == here.figures().n_vectors == 120


def test_what_is_raised_there_is_raised_here_and_says_where(process: BindProcess) -> None:
    async def then() -> None:
        with pytest.raises(AttributeError) as raised:
            await process.do(BindWork.accept, [None])  # type: ignore[list-item]
        assert "streams/service/crash_notes.py" in raised.value.__notes__[0]
        assert len(await process.do(BindWork.accept, MESSAGES[:1])) == 1

    begin_there(process, then)


def test_a_lost_connection_of_the_work_itself_is_not_taken_for_the_end_of_the_process(process: BindProcess) -> None:
    async def work() -> None:
        with pytest.raises(ConnectionResetError, match="the registry"):
            await process.do(BindWork.begin, SAMPLES[:60], "w", WantedModel(3, lose), WantedModel(2, lose))

    asyncio.run(work())


def test_a_refusal_that_cannot_be_sent_is_told_in_its_words(process: BindProcess) -> None:
    async def then() -> None:
        begun = await process.do(BindWork.begin, SAMPLES[:60], "w", WantedModel(3, refuse), NO_MODEL)
        assert begun.version == 0
        assert str(begun.refusal) == "NotSentError: weights and no weights"

    begin_there(process, then)


def test_a_killed_process_is_told_with_its_code(process: BindProcess) -> None:
    async def then() -> None:
        os.kill(process.pid, signal.SIGKILL)
        with pytest.raises(BindProcessError, match="ended, with code -9"):
            await process.do(BindWork.figures)

    begin_there(process, then)


def test_the_answer_of_a_call_that_was_given_up_is_not_the_next_ones(process: BindProcess) -> None:
    async def then() -> None:
        given_up = process.do(BindWork.accept, MESSAGES[:1])
        given_up.send(None)  # it is asked for, and waited for
        given_up.close()
        assert (await process.do(BindWork.figures)).n_vectors == 80

    begin_there(process, then)


def test_signals_are_the_workers_to_answer(process: BindProcess) -> None:
    async def then() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            os.kill(process.pid, number)
        assert (await process.do(BindWork.figures)).n_vectors == 60

    begin_there(process, then)


def test_a_worker_whose_process_is_killed_ends_so_that_it_is_started_again(
    embedded_broker: EmbeddedBroker, tmp_path: Path, prefix: str
) -> None:
    with Farm(embedded_broker, complete_world(2), tmp_path, prefix) as farm:
        worker = farm.start_worker()
        wait_until(lambda: "given" in worker.log_tail(100), 60)
        (child,) = psutil.Process(worker.pid).children()
        child.kill()
        wait_until(lambda: not worker.alive, 30)
        assert worker.exit_code == EXIT_FAILED
        assert "the process that binds has ended, with code -9" in worker.log_tail(200)


def test_it_ends_by_itself_when_the_worker_is_gone(settings: StreamSettings) -> None:
    process = BindProcess(settings)
    process._pipe.close()
    assert process._child.wait(10) == 0
