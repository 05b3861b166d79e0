import logging
from collections.abc import Sequence

import pytest

from deploy.machine.brokers import Broker
from streams.broker.diagnosis import Step
from streams.service.broker_watch import BrokerWatch
from streams.settings import BrokerSettings


class Probe:
    """Says what it is told to."""

    def __init__(self) -> None:
        self.reason = ""

    def __call__(self, broker: BrokerSettings) -> Sequence[Step]:
        return [Step("name", True, "fine"), *([Step("port", False, self.reason)] if self.reason else [])]


def test_says_once_that_the_broker_is_away_and_once_that_it_is_back(caplog: pytest.LogCaptureFixture) -> None:
    probe, changes = Probe(), list[bool]()
    watch = BrokerWatch(BrokerSettings(), changes.append, probe)
    with caplog.at_level(logging.WARNING, logger="streams.service.broker_watch"):
        for reason in ("", "", "nothing listens", "nothing listens", "no route", "", ""):
            probe.reason = reason
            watch.check()
    assert [record.getMessage() for record in caplog.records] == [
        "the broker is away: nothing listens",
        "the broker is back: 127.0.0.1:9092",
    ]
    assert changes == [True, False, True]


def test_gives_the_reason_to_the_health_check() -> None:
    probe = Probe()
    watch = BrokerWatch(BrokerSettings(), probe=probe)
    assert watch.complaints() == ["the broker was not probed yet"]
    probe.reason = "nothing listens"
    watch.check()
    assert (watch.usable, watch.complaints()) == (False, ["nothing listens"])


def test_finds_a_real_broker_usable(broker: Broker) -> None:
    watch = BrokerWatch(BrokerSettings(bootstrap_servers=broker.bootstrap_servers))
    watch.start()
    watch.stop()
    assert watch.check()
    assert watch.complaints() == []
