"""Why a trainer is not ready, through the very endpoint that is asked."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry

from streams.service.health import HealthServer
from streams.testing import ManualClock
from trainer.readiness import Readiness

STALL_S = 60.0


class World:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.readiness = Readiness(STALL_S, lambda: self.clock() / 1e9)
        self.server = HealthServer(CollectorRegistry(), ready=self.readiness.complaints)

    def reasons(self) -> list[str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.server.port}/readyz", timeout=20) as answer:
                assert json.load(answer)["ok"]
                return []
        except urllib.error.HTTPError as refusal:
            assert refusal.code == 503
            return list(json.load(refusal)["reasons"])

    def pass_time(self, seconds: float, done: int, n_waiting: int) -> None:
        for _ in range(round(seconds / 2)):
            self.clock.advance(2)
            self.readiness.note_work(done, n_waiting)


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    with made.server:
        yield made


def test_no_progress_while_messages_wait_is_not_ready(world: World) -> None:
    world.pass_time(10, done=7, n_waiting=0)
    assert world.reasons() == []
    world.pass_time(50, done=7, n_waiting=3)
    assert world.reasons() == []
    world.pass_time(20, done=7, n_waiting=3)
    assert world.reasons() == ["training stands still for 70 s, while 3 messages of pairs wait"]
    world.pass_time(2, done=8, n_waiting=2)
    assert world.reasons() == []


def test_nothing_to_do_for_long_is_ready(world: World) -> None:
    world.pass_time(1000, done=7, n_waiting=0)
    assert world.reasons() == []


def test_a_loop_that_is_not_heard_of_any_more_is_not_ready(world: World) -> None:
    world.pass_time(2, done=7, n_waiting=0)
    world.clock.advance(61)
    assert world.reasons() == ["nothing was heard of training for 61 s"]


def test_a_fault_is_told_until_it_is_over(world: World) -> None:
    world.readiness.note_fault("checkpoint", "the checkpoint could not be written: disk full")
    world.readiness.note_fault("publishing", "a version cannot be published: no bucket")
    assert len(world.reasons()) == 2
    world.readiness.note_fault("checkpoint", "")
    assert world.reasons() == ["a version cannot be published: no bucket"]
