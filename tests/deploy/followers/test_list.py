"""`mmbind followers list` beside followers of a real broker, one of which has a version on trial."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from kafka import KafkaProducer
from typer.testing import CliRunner

from deploy.cli.main import app
from deploy.machine.brokers import Broker
from streams.broker.connection import producer_config
from streams.follower import ModelFollower
from streams.records import FollowerReport
from streams.settings import BrokerSettings
from tests.support.following import Publisher, unlike_windows
from tests.support.waiting import wait_until

EXAMPLE = Path(__file__).parents[3] / "deploy" / "mmbind.example.toml"
WIDTH = 100


def told(*arguments: str) -> str:
    result = CliRunner().invoke(app, [*arguments, "--config", str(EXAMPLE)])
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


def followers() -> dict[str, Any]:
    return {one["follower"]: one for one in json.loads(told("followers", "list", "--json"))["followers"]}


def test_lists_who_runs_what_and_how_it_does(
    any_broker: Broker, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MMBIND_BROKER__BOOTSTRAP_SERVERS", any_broker.bootstrap_servers)
    monkeypatch.setenv("MMBIND_TOPICS__PREFIX", prefix)
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    monkeypatch.setattr("streams.models.reporting.TRIAL_REPORT_EVERY_S", 0.5)
    told("topics", "create")
    settings = BrokerSettings(bootstrap_servers=any_broker.bootstrap_servers)
    publisher, n_sent = Publisher(tmp_path / "models"), 0
    with closing(KafkaProducer(**producer_config(settings))) as producer:

        def send() -> None:
            nonlocal n_sent
            for record in publisher.log._records[n_sent:]:
                producer.send(f"{prefix}models", key=record.key, value=record.value).get(timeout=20)
                n_sent += 1

        for version in (1, 2):
            publisher.publish(version)
        publisher.move("stable", 1)
        publisher.put_on_trial(2)
        send()
        gone = FollowerReport(follower_id="gone\x1b[31m", version=1, at_ns=1, last_error="version 2: no\x07 disk")
        producer.send(f"{prefix}followers", key=b"gone", value=msgspec.json.encode(gone)).get(timeout=20)
        with ModelFollower(settings, str(publisher.root), prefix=prefix, follower_id="edge-node-0017-12345") as one:
            assert one.wait_for(1, timeout_s=30)
            wait_until(lambda: one._serving.trial is not None, 30)
            for i in range(16):
                assert one.embed_versioned(unlike_windows(4, i)).version == 1
            wait_until(lambda: (followers()["edge-node-0017-12345"]["trial"] or {}).get("calls") == 16, 30, every_s=0.5)
            found = followers()["edge-node-0017-12345"]
            assert (found["channel"], found["version"], found["wanted"], found["state"]) == ("stable", 1, 1, "well")
            assert (found["use"]["calls"], found["use"]["errors"], found["trial"]["version"]) == (16, 0, 2)
            assert found["use"]["ms_per_call"] > 0 and 0 < found["agreement"] < 1
            shown = told("followers", "list")
            publisher.move("stable", 2)
            publisher.put_on_trial(0)
            send()
            assert one.wait_for(2, timeout_s=30)
        last = followers()
    assert max(map(len, shown.splitlines())) <= WIDTH, shown
    assert "edge-node-0017-12345" in shown and "on trial 2" in shown and "agrees 0." in shown
    print(shown)
    assert "silent" in shown and r"gone\x1b[31m: version 2: no\x07 disk" in shown
    assert (last["edge-node-0017-12345"]["state"], last["edge-node-0017-12345"]["version"]) == ("stopped", 2)
    assert last["edge-node-0017-12345"]["trial"] is None
