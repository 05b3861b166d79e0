"""The worker as a process, killed, stopped and fed with rubbish, on real brokers."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import msgspec
import numpy as np
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from deploy.machine.apache_kafka import KafkaBroker
from deploy.machine.brokers import Broker, EmbeddedBroker, free_port
from deploy.machine.up import EXIT_BROKER_GONE
from deploy.settings.config import Settings, as_toml
from streams.messages.codec import decode_many, encode, encode_batch
from streams.records import Binding, Sample, SensorWindow
from streams.testing import EPOCH_NS, SyntheticWorld
from tests.support.brokers import kafka_home
from tests.support.workers import ENVIRONMENT, Farm, answer, homes, key_of, start


def world(n_sources: int = 6) -> SyntheticWorld:
    """Every node has all sensors, so that a slot without one of them waits for it."""
    return SyntheticWorld(n_sources, n_complete=n_sources)


def header(headers: tuple[tuple[str, bytes], ...], name: str) -> str:
    return dict(headers)[f"mmbind.reject.{name}"].decode()


def test_a_worker_killed_while_windows_wait_loses_and_repeats_nothing(
    broker: Broker, tmp_path: Path, prefix: str
) -> None:
    nodes = world()
    windows = list(nodes.windows(24))
    waiting = [w for w in nodes.windows(8, first=10) if w.modality == "gyroscope"]
    held_back = set(map(key_of, waiting))
    before_kill = [w for w in windows if w.start_ns < waiting[-1].start_ns + 1 and key_of(w) not in held_back]
    sent_before = set(map(key_of, before_kill))
    with Farm(broker, nodes, tmp_path, prefix, grace_s=60.0) as farm:
        farm.send(before_kill)
        first = farm.start_worker()
        farm.wait_for_bindings(6 * 10)
        time.sleep(1.2)
        committed = farm.committed(farm.names.windows("acceleration"))
        first.signal(signal.SIGKILL)
        # Of each source ten windows are in samples; the others wait, and they are not committed.
        assert sum(committed.values()) == 6 * 10

        farm.send([w for w in windows if key_of(w) not in sent_before])
        second = farm.start_worker()
        farm.wait_for_bindings(6 * 24)
        time.sleep(1.2)

        found = homes(farm.samples())
        bound = Counter(one.sample_id for one in farm.bindings() if not one.round)
        assert {key: len(ids) for key, ids in found.items()} == {key_of(w): 1 for w in windows}
        assert {id_ for ids in found.values() for id_ in ids} == set(bound)
        assert farm.rejects() == []
        for topic in (*map(farm.names.windows, nodes.specs), farm.names.samples):
            assert farm.committed(topic) == farm.ends(topic)
        assert second.stop() == 0


def test_what_cannot_be_used_goes_to_rejects_and_nothing_else_suffers(
    broker: Broker, tmp_path: Path, prefix: str
) -> None:
    nodes = world(2)
    windows = list(nodes.windows(10))
    gyroscope = [w for w in windows if w.modality == "gyroscope" and w.source_id == "node-00"]
    bad = msgspec.structs.replace(gyroscope[3], values=np.full_like(gyroscope[3].values, np.nan))
    huge = b"\x81" + bytes(5_000_000)
    with Farm(broker, nodes, tmp_path, prefix, grace_s=2.0) as farm:
        if broker.keeps_data:
            allow_messages_of(broker, farm.names.windows("gravity"), 8_000_000)
        farm.send(w for w in windows if w not in gyroscope)
        farm.send_raw(
            [
                ("gyroscope", b"node-00", encode_batch([*gyroscope[:3], bad, *gyroscope[4:]])),
                ("gyroscope", b"node-01", b"no record"),
                ("gyroscope", b"node-01", None),
                ("gyroscope", b"somebody else", encode(gyroscope[0])),
                ("acceleration", b"node-00", encode(gyroscope[0])),
                ("gyroscope", b"node-00", encode(gyroscope[9])),
                ("gravity", b"node-01", huge),
            ]
        )
        worker = farm.start_worker()
        farm.wait_for_bindings(20)
        farm.wait(lambda: len(farm.rejects()) >= 7)
        farm.wait(lambda: farm.committed(farm.names.windows("gyroscope")) == farm.ends(farm.names.windows("gyroscope")))

        rejects = farm.rejects()
        reasons = Counter(header(m.headers, "reason") for m in rejects)
        found = homes(farm.samples())
        assert reasons == Counter(
            {"undecodable": 2, "not-finite": 1, "empty": 1, "key": 1, "unknown-modality": 1, "duplicate": 1}
        )
        (nan,) = (m for m in rejects if header(m.headers, "reason") == "not-finite")
        assert (header(nan.headers, "index"), header(nan.headers, "field")) == ("3", "values")
        assert (nan.key, nan.value) == (b"node-00", encode(bad))
        (big,) = (m for m in rejects if header(m.headers, "topic").endswith("gravity"))
        assert header(big.headers, "sha256") == hashlib.sha256(huge).hexdigest()
        assert (header(big.headers, "size_bytes"), big.value) == ("5000001", huge[:4096])
        assert set(found) == {key_of(w) for w in windows if w is not gyroscope[3]}
        assert all(len(ids) == 1 for ids in found.values())
        assert worker.stop() == 0


def allow_messages_of(broker: Broker, topic: str, max_bytes: int) -> None:
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {"max.message.bytes": str(max_bytes)})])
    admin.close()


def test_two_workers_share_the_partitions_and_hand_them_over(
    kafka_broker: KafkaBroker, tmp_path: Path, prefix: str
) -> None:
    nodes = world()
    done = threading.Event()
    sent: list[SensorWindow] = []

    def sensors(farm: Farm) -> None:
        for slot in range(200):
            if done.is_set():
                return
            windows = list(nodes.windows(1, first=slot))
            farm.send(windows)
            sent.extend(windows)
            time.sleep(0.1)

    with Farm(kafka_broker, nodes, tmp_path, prefix, grace_s=20.0) as farm:
        first = farm.start_worker()
        thread = threading.Thread(target=sensors, args=(farm,))
        thread.start()
        farm.wait_for_bindings(60)
        farm.start_worker()
        farm.wait(lambda: len({one.worker.rpartition("-")[0] for one in farm.bindings()}) == 2)
        assert first.stop() == 0
        n_bound = len(farm.bindings())
        farm.wait(lambda: len(farm.bindings()) > n_bound + 30)
        done.set()
        thread.join()
        farm.wait_for_bindings(len(sent) // 3)

        found = homes(farm.samples())
        assert {key: len(ids) for key, ids in found.items()} == {key_of(w): 1 for w in sent}
        # Complete: all modalities of a source were seen by one worker at any time.
        assert {len(sample.windows) for sample in farm.samples()} == {3}
        assert {one.sample_id for one in farm.bindings()} == {sample.sample_id for sample in farm.samples()}


def test_the_recorded_order_replayed_offline_gives_the_same_bindings(
    broker: Broker, tmp_path: Path, prefix: str
) -> None:
    nodes = SyntheticWorld(6, n_complete=3, held_out=1)
    with Farm(broker, nodes, tmp_path, prefix, grace_s=1.0) as farm:
        farm.send(nodes.windows(40), batch=4)
        worker = farm.start_worker()
        farm.wait_for_bindings(6 * 40)
        assert worker.stop() == 0
        bindings = sorted(farm.bindings(), key=in_order)
        by_id = {sample.sample_id: sample for sample in farm.samples()}

    first = [one for one in bindings if not one.round]
    assert [one.sequence for one in first] == list(range(1, 241))
    assert len({one.round for one in bindings}) > 1, "asked again as the history grew"
    again = replayed(farm, [by_id[one.sample_id] for one in first], bindings[0].worker)
    assert sorted(again, key=in_order) == bindings
    assert sum(one.outcome == "bound" for one in first) > 150


def in_order(one: Binding) -> tuple[int, int, str]:
    return one.sequence, one.round, one.sample_id


def replayed(farm: Farm, samples: list[Sample], worker: str) -> list[Binding]:
    (farm.folder / "samples").write_bytes(encode_batch(samples))
    subprocess.run(
        [sys.executable, "-m", "tests.support.replaying", str(farm.folder), worker],
        env=os.environ | ENVIRONMENT,
        check=True,
    )
    return decode_many((farm.folder / "bindings").read_bytes(), Binding)


def test_models_are_swapped_in_while_windows_flow_and_kept_over_restarts(
    kafka_broker: KafkaBroker, tmp_path: Path, prefix: str
) -> None:
    nodes = world()
    with Farm(kafka_broker, nodes, tmp_path, prefix, grace_s=20.0) as farm:
        worker = farm.start_worker()
        farm.send(nodes.windows(10))
        farm.wait_for_bindings(60)
        farm.publish(1, seed=1)
        for slot in range(10, 40):
            farm.send(nodes.windows(1, first=slot))
        farm.wait_for_bindings(240)
        assert json.loads(answer(worker, "/readyz"))["ok"], answer(worker, "/readyz")
        by_version = [one.model_version for one in sorted(farm.bindings(), key=in_order) if not one.round]
        # One swap, between two Bindings, and none is missing.
        assert (len(by_version), set(by_version)) == (240, {0, 1})
        assert by_version == sorted(by_version)

        farm.publish(2, seed=2, is_damaged=True)
        farm.wait(lambda: "mmbind_follower_failures_total 1.0" in answer(worker, "/metrics"))
        farm.send(nodes.windows(1, first=40))
        farm.wait_for_bindings(246)
        assert 'mmbind_generation_info{version="1"} 1.0' in answer(worker, "/metrics")
        assert worker.stop() == 0

        # A new worker binds by the newest model from its first Binding on.
        farm.publish(3, seed=3)
        farm.start_worker()
        farm.send(nodes.windows(1, first=41))
        farm.wait_for_bindings(252)
        last = [one for one in farm.bindings() if one.sample_id.endswith(str(slot_of(nodes, 41)))]
        assert {one.model_version for one in last} == {3}


def slot_of(nodes: SyntheticWorld, slot: int) -> int:
    """As it stands in sample ids."""
    return EPOCH_NS // nodes.hop_ns + slot


def test_a_worker_outlives_the_absence_of_apache_kafka(tmp_path: Path) -> None:
    nodes = world()
    broker = KafkaBroker(kafka_home(), tmp_path / "kafka")
    broker.start()
    try:
        with Farm(broker, nodes, tmp_path, "away.", grace_s=20.0) as farm:
            worker = farm.start_worker()
            farm.send(nodes.windows(5))
            farm.wait_for_bindings(30)
            broker.stop()
            time.sleep(3)
            broker.start()
            farm.send(nodes.windows(5, first=5))
            farm.wait_for_bindings(60)

            assert {len(sample.windows) for sample in farm.samples()} == {3}
            assert worker.stop() == 0
            assert worker.log_file.read_text().count("ERROR") < 40
    finally:
        broker.stop()


def test_a_worker_ends_with_the_embedded_broker_and_says_so(tmp_path: Path) -> None:
    broker = EmbeddedBroker(tmp_path / "broker.log")
    broker.start()
    nodes = world()
    with Farm(broker, nodes, tmp_path, "gone.") as farm:
        worker = farm.start_worker()
        farm.send(nodes.windows(2))
        farm.wait_for_bindings(12)
        broker.stop()

        assert worker.wait(15) == EXIT_BROKER_GONE
        assert "the embedded broker is gone" in worker.log_tail()


def test_a_worker_waits_for_a_broker_that_is_not_there_and_can_be_told_to_stop(tmp_path: Path) -> None:
    settings = Settings.model_validate(
        world().settings().model_dump(include={"modalities", "shared_modality"})
        | {
            "broker": {"bootstrap_servers": f"127.0.0.1:{free_port()}"},
            "runtime": {"data_dir": str(tmp_path), "stream_port": 0},
        }
    )
    (tmp_path / "mmbind.toml").write_text(as_toml(settings))
    worker = start("stream", tmp_path, "worker")
    end_s = time.monotonic() + 30
    while "waiting for the broker" not in worker.log_tail():
        assert worker.alive and time.monotonic() < end_s, worker.log_tail()
        time.sleep(0.1)

    reasons = json.loads(answer(worker, "/readyz"))["reasons"]
    assert any("127.0.0.1" in reason for reason in reasons)
    assert json.loads(answer(worker, "/healthz"))["ok"]
    assert worker.stop() == 0
