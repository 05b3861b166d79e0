"""How a service comes up and goes."""

import logging
import os
import signal
import threading
from pathlib import Path

import pytest

from deploy.machine.brokers import Broker, EmbeddedBroker, free_port
from streams.broker.topics import TopicsError
from streams.service.lifecycle import find_topics, stopped_by_signals, wait_for_broker, watch_embedded
from streams.settings import StreamSettings
from streams.testing import SyntheticWorld
from tests.support.diagnosing import plain


def settings(broker: Broker, prefix: str) -> StreamSettings:
    return SyntheticWorld(2).settings(
        broker={"bootstrap_servers": broker.bootstrap_servers}, topics={"prefix": prefix, "partitions": 1}
    )


def test_waits_until_the_broker_is_there_and_says_each_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    late = EmbeddedBroker(tmp_path / "broker.log", port=free_port())
    reasons: list[str] = []

    def on_wait(reason: str) -> None:
        reasons.append(reason)
        if len(reasons) == 2:
            late.start()

    try:
        with caplog.at_level(logging.WARNING, logger="streams.service.lifecycle"):
            assert wait_for_broker(plain(late.port), threading.Event(), on_wait)
    finally:
        late.stop()
    assert len(reasons) >= 2
    assert [record.getMessage().split(":")[0] for record in caplog.records] == [
        "waiting for the broker",
        "the broker is back",
    ]


def test_waits_no_longer_when_told_to_stop() -> None:
    stop = threading.Event()
    assert not wait_for_broker(plain(free_port()), stop, lambda reason: stop.set())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_stop_while_it_lasts_and_do_afterwards_what_they_did_before(number: signal.Signals) -> None:
    # Under nohup a signal may be ignored, and stays so: see below.
    usual = signal.signal(number, signal.default_int_handler)
    try:
        with stopped_by_signals(threading.Event()) as stop:
            os.kill(os.getpid(), number)
            assert stop.wait(5)
        assert signal.getsignal(number) is signal.default_int_handler
    finally:
        signal.signal(number, usual)


def test_a_terminal_that_closes_stops_nothing_under_nohup() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stopped_by_signals(threading.Event()) as stop:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not stop.is_set()
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_topics_that_are_missing_are_named(broker: Broker, prefix: str) -> None:
    with pytest.raises(TopicsError, match=f"topic {prefix}samples is missing"):
        find_topics(settings(broker, prefix))


def test_the_end_of_the_embedded_broker_is_told_once(tmp_path: Path) -> None:
    broker = EmbeddedBroker(tmp_path / "broker.log")
    broker.start()
    gone = threading.Event()
    watch_embedded(plain(broker.port), gone.set)
    assert not gone.wait(1.5)
    broker.stop()
    assert gone.wait(10)
