"""`mmbind top` beside a worker and a trainer, as processes on a real broker."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from deploy.machine.brokers import Broker, free_port
from deploy.top.live import follow
from deploy.top.picture import Picture
from tests.support.waiting import wait_until
from tests.support.workers import ENVIRONMENT, Farm, complete_world

ROOT = Path(__file__).parents[3]


def top(farm: Farm, *more: str) -> str:
    """`mmbind top --once`, as a person gives it."""
    command = [sys.executable, "-m", "deploy.cli", "top", "--once", "--config", str(farm.folder / "mmbind.toml"), *more]
    environment = {**os.environ, **ENVIRONMENT, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def told(farm: Farm) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(top(farm, "--json"))
    return found


def test_shows_the_nodes_and_pairs_of_a_live_stream(any_broker: Broker, prefix: str, tmp_path: Path) -> None:
    world, n_slots = complete_world(), 12
    ports: dict[str, object] = {"stream_port": free_port(), "trainer_port": free_port()}
    more = {"topics": {"sample_partitions": 1}}
    with Farm(any_broker, world, tmp_path, prefix, runtime=ports, more=more) as farm:
        before = told(farm)
        assert (before["worker"], before["trainer"], before["nodes"]) == ("no answer", "no answer", [])
        assert before["next"].startswith("no worker answers yet on 127.0.0.1:")
        farm.start_worker()
        farm.start_trainer()
        windows = list(world.windows(n_slots))
        farm.send(windows)
        farm.send_raw([(farm.settings.shared_modality, b"node-x", b"no window")])
        n_samples = len({(one.source_id, one.start_ns // world.hop_ns) for one in windows})
        farm.wait_for_bindings(n_samples)
        farm.wait(lambda: bool(farm.rejects()))
        farm.wait(lambda: told(farm)["trainer"] == "ready")
        found, seen = told(farm), top(farm)
        first = [one for one in farm.bindings() if one.round == 0]
    assert {one["source_id"] for one in found["nodes"]} == {one.source_id for one in windows}
    assert all(set(one["modalities"]) == set(farm.settings.modalities) for one in found["nodes"])
    assert found["samples"]["total"] == n_samples and found["samples"]["is_exact"]
    assert found["bindings"]["total"] == len(first)
    assert found["pairs"]["total"] == sum(len(one.partners) for one in first) > 0
    assert (found["worker"], found["rejects"]["reasons"]) == ("ready", {"undecodable": 1})
    assert found["precision"]["state"] in ("unknown", "estimated", "none")
    assert max(map(len, seen.splitlines())) <= 100
    assert f"of {len(windows)} windows" in seen and "1 undecodable" in seen


def test_of_a_long_stream_the_newest_part_is_read(
    any_broker: Broker, prefix: str, tmp_path: Path, monkeypatch: Any
) -> None:
    """And what comes while nobody has time to read it is passed over, too."""
    monkeypatch.setattr("deploy.top.live.KEPT", 5)
    world = complete_world(2)
    with Farm(any_broker, world, tmp_path, prefix) as farm:
        _write_samples(farm, 40)
        stop, shown = threading.Event(), []

        def show(picture: Picture) -> None:
            shown.append(picture.samples.total)
            if len(shown) == 1:
                _write_samples(farm, 40)
            elif shown[-1] >= 80:
                stop.set()

        watcher = threading.Thread(target=follow, args=(farm.settings, show, stop))
        watcher.start()
        wait_until(lambda: not watcher.is_alive(), 60, told=lambda: str(shown))
        assert shown[0] == 40
        assert shown[-1] == 80


def _write_samples(farm: Farm, n: int) -> None:
    from kafka import KafkaProducer

    from streams.messages.outbox import Outbox
    from tests.support.reports import sample

    producer = KafkaProducer(bootstrap_servers=farm.broker.bootstrap_servers, enable_idempotence=False)
    for at in range(n):
        for out in Outbox(farm.settings.topics).samples([sample(f"a@{at}", farm.settings.shared_modality)]):
            producer.send(out.topic, out.value, out.key, partition=out.partition, headers=list(out.headers))
    producer.flush(timeout=30)
    producer.close()
