"""The worker as a process, killed, joined by another, restarted and given models, on real brokers."""

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

from deploy.machine.apache_kafka import KafkaBroker
from deploy.machine.brokers import Broker
from streams.messages.codec import decode_many, encode_batch
from streams.records import Binding, Sample, SensorWindow
from streams.testing import EPOCH_NS, SyntheticWorld
from tests.support.workers import ENVIRONMENT, Farm, answer, complete_world, homes, key_of


def test_a_worker_killed_while_windows_wait_loses_and_repeats_nothing(
    broker: Broker, tmp_path: Path, prefix: str
) -> None:
    nodes = complete_world()
    windows = list(nodes.windows(24))
    waiting = [w for w in nodes.windows(8, first=10) if w.modality == "gyroscope"]
    held_back = set(map(key_of, waiting))
    before_kill = [w for w in windows if w.start_ns < waiting[-1].start_ns + 1 and key_of(w) not in held_back]
    sent_before = set(map(key_of, before_kill))
    with Farm(broker, nodes, tmp_path, prefix, grace_s=60.0) as farm:
        farm.send(before_kill)
        first = farm.start_worker()
        farm.wait_for_bindings(6 * 10)
        farm.wait(lambda: f"mmbind_messages_total {len(before_kill)}.0" in answer(first, "/metrics"))
        # One more that waits for nothing: once it is committed, so is all that may be of what was read before it.
        gyroscope = farm.names.windows("gyroscope")
        farm.send_raw([("gyroscope", b"node-00", b"no record")])
        farm.wait(lambda: farm.committed(gyroscope) == farm.ends(gyroscope))
        committed = farm.committed(farm.names.windows("acceleration"))
        first.signal(signal.SIGKILL)
        # Of each source ten windows are in samples; the others wait, and they are not committed.
        assert sum(committed.values()) == 6 * 10

        farm.send([w for w in windows if key_of(w) not in sent_before])
        second = farm.start_worker()
        farm.wait_for_bindings(6 * 24)
        topics = [*map(farm.names.windows, nodes.specs), farm.names.samples]
        farm.wait(lambda: all(farm.committed(topic) == farm.ends(topic) for topic in topics))

        found = homes(farm.samples())
        bound = Counter(one.sample_id for one in farm.bindings() if not one.round)
        assert {key: len(ids) for key, ids in found.items()} == {key_of(w): 1 for w in windows}
        assert {id_ for ids in found.values() for id_ in ids} == set(bound)
        assert len(farm.rejects()) == 1
        assert second.stop() == 0


def test_two_workers_share_the_partitions_and_hand_them_over(
    kafka_broker: KafkaBroker, tmp_path: Path, prefix: str
) -> None:
    nodes = complete_world()
    done = threading.Event()
    sent: list[SensorWindow] = []

    def sensors(farm: Farm) -> None:
        for slot in range(200):
            if done.is_set():
                return
            windows = list(nodes.windows(1, first=slot))
            farm.send(windows)
            sent.extend(windows)
            done.wait(0.1)

    shared = {"topics": {"sample_partitions": 3}}
    with Farm(kafka_broker, nodes, tmp_path, prefix, more=shared, grace_s=20.0) as farm:
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
    nodes = complete_world()
    with Farm(kafka_broker, nodes, tmp_path, prefix, grace_s=20.0) as farm:
        worker = farm.start_worker()
        farm.send(nodes.windows(10))
        farm.wait_for_bindings(60)
        farm.publish(1, seed=1)
        slots = itertools.count(10)

        def send_one() -> int:
            slot = next(slots)
            farm.send(nodes.windows(1, first=slot))
            farm.wait_for_bindings(6 * (slot + 1))
            return slot

        # Windows flow all the while: how many pass before the model is built is up to the machine.
        farm.wait(lambda: send_one() >= 39 and 'mmbind_generation_info{version="1"} 1.0' in answer(worker, "/metrics"))
        n_slots = send_one() + 1
        assert json.loads(answer(worker, "/readyz"))["ok"], answer(worker, "/readyz")
        by_version = [one.model_version for one in sorted(farm.bindings(), key=in_order) if not one.round]
        # One swap, between two Bindings, and none is missing.
        assert (len(by_version), set(by_version)) == (6 * n_slots, {0, 1})
        assert by_version == sorted(by_version)

        farm.publish(2, seed=2, is_damaged=True)
        farm.wait(lambda: "mmbind_follower_failures_total 1.0" in answer(worker, "/metrics"))
        send_one()
        assert 'mmbind_generation_info{version="1"} 1.0' in answer(worker, "/metrics")
        assert worker.stop() == 0

        # A new worker binds by the newest model from its first Binding on.
        farm.publish(3, seed=3)
        farm.start_worker()
        last_slot = send_one()
        last = [one for one in farm.bindings() if one.sample_id.endswith(str(slot_of(nodes, last_slot)))]
        assert {one.model_version for one in last} == {3}


def slot_of(nodes: SyntheticWorld, slot: int) -> int:
    """As it stands in sample ids."""
    return EPOCH_NS // nodes.hop_ns + slot
