"""What was refused, listed and sent again, on a real broker."""

import json
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kafka import KafkaProducer
from typer.testing import CliRunner

from deploy.cli.main import app
from deploy.machine.brokers import EmbeddedBroker
from deploy.rejects.record import place_from
from deploy.rejects.resend import SENT_AGAIN_HEADER
from deploy.settings.config import as_toml
from streams.broker.log import LogReader, read_all
from streams.messages.codec import decode_window, encode
from streams.messages.message import Message
from streams.messages.outbox import Outbox
from streams.messages.rejects import InvalidRecord
from streams.records import SensorWindow
from tests.support.waiting import wait_until
from tests.support.workers import Farm, complete_world


def asked(farm: Farm, *arguments: str) -> dict[str, Any]:
    command = ["rejects", *arguments, "--json", "--config", str(farm.folder / "mmbind.toml")]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, (result.output, result.exception)
    told: dict[str, Any] = json.loads(result.stdout)
    return told


def refuse(farm: Farm, n: int, modality: str = "gyroscope", reason: Any = "shape", first: int = 0) -> None:
    """As if a worker had refused the first records of so many messages."""
    rejects = []
    for offset in range(first, first + n):
        came = Message(farm.names.windows(modality), 0, offset, b"node-00", b"whole", (("node-made", b"1"),))
        rejects.append(came.reject(0, b"record %d" % offset, InvalidRecord(reason, "values", "[/x]", "y"), 1_000_000))
    producer = KafkaProducer(bootstrap_servers=farm.broker.bootstrap_servers, enable_idempotence=False)
    for out in Outbox(farm.settings.topics).rejects(rejects):
        producer.send(out.topic, key=out.key, value=out.value, headers=list(out.headers))
    producer.flush(timeout=30)
    producer.close()


def sent_again(farm: Farm, modality: str = "gyroscope") -> list[Message]:
    messages = read_all(farm.broker, farm.names.windows(modality))
    return [one for one in messages if SENT_AGAIN_HEADER in dict(one.headers)]


@pytest.fixture
def farm(embedded_broker: EmbeddedBroker, tmp_path: Path, prefix: str) -> Farm:
    return Farm(embedded_broker, complete_world(), tmp_path, prefix, length_tolerance=0.0)


def test_rejects_are_listed_the_newest_last_and_each_once(farm: Farm) -> None:
    refuse(farm, 3)
    refuse(farm, 1, "gravity", "time")
    refuse(farm, 3)  # again, after a crash
    told = asked(farm, "list")
    assert told["by_reason"] == {"shape": 3, "time": 1}
    assert [one["reason"] for one in told["rejects"]][-1] == "time"
    assert asked(farm, "list", "--reason", "time", "--since", "1h")["by_reason"] == {"time": 1}
    place = f"{farm.names.windows('gyroscope')}[0]@1#0"
    (one,) = asked(farm, "list", "--topic", "windows.gyroscope", "--place", place)["rejects"]
    assert (one["place"], one["got"], one["wanted"], one["source"]) == (place, "[/x]", "y", "node-00")
    table = CliRunner().invoke(app, ["rejects", "list", "--config", str(farm.folder / "mmbind.toml")])
    assert table.exit_code == 0 and "[/x]" in table.stdout


def test_what_was_refused_is_sent_again_once_however_often_it_is_asked(farm: Farm) -> None:
    refuse(farm, 3)
    refuse(farm, 2, "gravity", "time")
    refuse(farm, 1, "gravity", "duplicate", first=7)
    topic, other = farm.names.windows("gyroscope"), farm.names.windows("gravity")
    assert asked(farm, "replay", "--dry-run")["sent"] == {topic: 3, other: 2}
    assert sent_again(farm) == []
    assert asked(farm, "replay", "--place", f"{topic}[0]@1#0")["sent"] == {topic: 1}
    told = asked(farm, "replay", "--reason", "shape")
    assert (told["sent"], told["skipped"]) == ({topic: 2}, {"sent again before": 1})
    told = asked(farm, "replay")
    assert told["sent"] == {other: 2}
    assert told["skipped"] == {"sent again before": 3, "duplicate: not asked for by --reason": 1}
    found = sent_again(farm)
    assert sorted((one.key, one.value) for one in found) == [(b"node-00", b"record %d" % n) for n in range(3)]
    assert {name for one in found for name, _ in one.headers} == {"node-made", SENT_AGAIN_HEADER}


def test_a_run_that_is_killed_half_way_sends_nothing_twice(farm: Farm) -> None:
    refuse(farm, 4000)
    command = [sys.executable, "-m", "deploy.cli", "rejects", "replay", "--config", str(farm.folder / "mmbind.toml")]
    with LogReader(farm.broker, farm.names.windows("gyroscope")) as reader, subprocess.Popen(command) as run:
        following = reader.follow(threading.Event(), poll_ms=20)
        wait_until(lambda: next(following) is not None, 90, every_s=0)
        run.kill()
    n_before = len(sent_again(farm))
    assert n_before < 4000, "it was killed in the middle"
    assert asked(farm, "replay")["sent"].get(farm.names.windows("gyroscope"), 0) == 4000 - n_before
    places = Counter(place_from(dict(one.headers)[SENT_AGAIN_HEADER].decode()) for one in sent_again(farm))
    assert (len(places), set(places.values())) == (4000, {1})


def test_after_the_fix_the_worker_takes_what_it_had_refused(farm: Farm) -> None:
    with farm:
        windows = list(complete_world().windows(4))
        long = [stretched(one) if one.modality == "gravity" else one for one in windows]
        farm.send(long)
        worker = farm.start_worker()
        farm.wait(lambda: len(farm.rejects()) == 24)
        asked(farm, "replay")
        farm.wait(lambda: len(farm.rejects()) == 48)
        assert asked(farm, "replay")["sent"] == {}, "refused once more: not for ever round and round"
        assert worker.stop() == 0

        fixed = farm.settings.model_copy(
            update={"ingest": farm.settings.ingest.model_copy(update={"length_tolerance": 0.5, "grace_s": 5.0})}
        )
        (farm.folder / "mmbind.toml").write_text(as_toml(fixed))
        farm.start_worker()
        assert asked(farm, "replay", "--again")["sent"] == {farm.names.windows("gravity"): 24}
        assert asked(farm, "replay", "--again")["sent"] == {}
        farm.wait(lambda: sum("gravity" in one.windows for one in farm.samples()) == 24)


def stretched(window: SensorWindow) -> SensorWindow:
    values = np.concatenate([window.values, window.values[:10]])
    return decode_window(encode(SensorWindow(
        source_id=window.source_id, modality=window.modality, start_ns=window.start_ns, values=values
    )))  # fmt: skip
