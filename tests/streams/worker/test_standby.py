"""Workers of which one binds: another one says that it stands by, and takes over with the history it has."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata

from deploy.machine.apache_kafka import KafkaBroker
from deploy.machine.brokers import Broker
from deploy.machine.process import ChildProcess
from streams.broker.log import read_all
from streams.messages.codec import decode_many, encode_batch
from streams.records import Binding, Sample
from streams.testing import SyntheticWorld
from streams.worker.faust_app import SESSION_S, group_id
from streams.worker.read_back import ReadBack
from streams.worker.standby import STANDS_BY, Standby
from tests.support.bind_bench import SAMPLES, WORLD, Bench, run
from tests.support.workers import ENVIRONMENT, Farm, answer, complete_world

N_NODES, N_SLOTS, N_MORE = 8, 250, 5
# Beyond the session after which the broker gives a killed worker up; an idle machine takes two.
TAKEOVER_S = 10.0
TAIL_SAMPLES = 50


def is_given(worker: ChildProcess) -> bool:
    return "of history read back" in worker.log_file.read_text()


def binds(worker: ChildProcess) -> bool:
    return is_given(worker) and "mmbind_binds 1.0" in answer(worker, "/metrics")


def n_vectors(worker: ChildProcess) -> float:
    (line,) = [one for one in answer(worker, "/metrics").splitlines() if one.startswith("mmbind_index_vectors ")]
    return float(line.split()[1])


def test_a_worker_that_stands_by_takes_over_within_seconds_and_with_the_whole_history(
    kafka_broker: KafkaBroker, tmp_path: Path, prefix: str
) -> None:
    nodes = SyntheticWorld(N_NODES, n_complete=N_NODES)
    with Farm(kafka_broker, nodes, tmp_path, prefix, grace_s=1.0) as farm:
        first = farm.start_worker()
        farm.wait(lambda: binds(first))
        second = farm.start_worker()
        farm.wait(lambda: is_given(second))
        farm.wait(lambda: json.loads(answer(second, "/readyz")) == {"ok": True, "reasons": [], "notes": [STANDS_BY]})
        farm.wait(lambda: json.loads(answer(first, "/readyz")) == {"ok": True, "reasons": []})
        farm.send(nodes.windows(N_SLOTS), batch=10)
        farm.wait_for_bindings(N_NODES * N_SLOTS)
        farm.wait(lambda: n_vectors(second) == n_vectors(first) == N_NODES * N_SLOTS)
        assert binds(first) and not binds(second)

        first.signal(signal.SIGKILL)
        killed_s = time.monotonic()
        farm.wait(lambda: binds(second))
        assert time.monotonic() - killed_s < SESSION_S + TAKEOVER_S
        farm.send(nodes.windows(N_MORE, first=N_SLOTS))
        farm.wait_for_bindings(N_NODES * (N_SLOTS + N_MORE))

        assert read_back_when_given(second)[-1] < TAIL_SAMPLES, "it had the rest"
        first_ones = [one for one in farm.bindings() if not one.round]
        assert set(Counter(one.sample_id for one in first_ones).values()) == {1}
        heirs = {one.sample_id: one for one in first_ones if one.worker.startswith(name_of(second))}
        assert len(heirs) >= N_NODES * N_MORE
        assert {name: ends(one) for name, one in heirs.items()} == as_if_one_bound_all(farm, set(heirs))

        third = farm.start_worker()
        farm.wait(lambda: is_given(third))
        assert binds(second) and not binds(third)
        assert third.stop() == second.stop() == 0


def read_back_when_given(worker: ChildProcess) -> list[int]:
    return [int(n) for n in re.findall(r"(\d+) samples of history read back", worker.log_file.read_text())]


def name_of(worker: ChildProcess) -> str:
    return f"{socket.gethostname()}-{worker.pid}-"


def as_if_one_bound_all(farm: Farm, wanted: set[str]) -> dict[str, list[tuple[str, float]]]:
    """By a process of its own: another one may round the last bit in another way."""
    messages = sorted(read_all(farm.broker, farm.names.samples), key=lambda one: one.offset)
    (farm.folder / "samples").write_bytes(
        encode_batch([sample for one in messages for sample in decode_many(one.value, Sample)])
    )
    command = [sys.executable, "-m", "tests.support.replaying", str(farm.folder), "living"]
    subprocess.run(command, env=os.environ | ENVIRONMENT, check=True)
    bound = decode_many((farm.folder / "bindings").read_bytes(), Binding)
    return {one.sample_id: ends(one) for one in bound if one.sample_id in wanted and not one.round}


def ends(binding: Binding) -> list[tuple[str, float]]:
    return [(one.sample_id, one.similarity) for one in binding.partners]


def test_follows_as_far_as_was_committed_and_leaves_the_rest_to_be_bound(
    embedded_broker: Broker, tmp_path: Path, prefix: str
) -> None:
    with Farm(embedded_broker, complete_world(2), tmp_path, prefix) as farm:
        write_samples(farm, SAMPLES[:60])

        async def work(bench: Bench) -> None:
            standby = Standby(farm.settings, bench.stage, lambda message: decode_many(message.value, Sample))
            await bench.stage.begin({0: None}, ReadBack())
            await standby.follow()
            followed.append(bench.stage.upto)
            for upto in (2, 4):
                commit(farm, upto)
                await standby.follow()
                followed.append(bench.stage.upto)
            assert await bench.stage.begin({0: 4}, ReadBack()) == 0
            await bench.stage.bind([bench.event(4, SAMPLES[40:60])])

        followed: list[dict[int, int]] = []
        bench = run(work)
        assert followed == [{0: 0}, {0: 2}, {0: 4}]
        first_ones = {one.sample_id: ends(one) for one in bench.writes.bindings if not one.round}
        wanted = {one.sample_id for one in SAMPLES[40:60]}
        assert set(first_ones) == wanted
        assert first_ones == as_if_one_bound_all(farm, wanted)
        assert {one.worker for one in bench.writes.bindings} == {"w-2"}, "another history than the one it began with"


def write_samples(farm: Farm, samples: list[Sample]) -> None:
    """Ten a message."""
    producer = KafkaProducer(bootstrap_servers=farm.broker.bootstrap_servers, enable_idempotence=False)
    for start in range(0, len(samples), 10):
        producer.send(farm.names.samples, value=encode_batch(samples[start : start + 10]), partition=0)
    producer.flush(timeout=10)
    producer.close()


def test_with_several_partitions_of_samples_no_history_is_kept_ahead() -> None:
    one, several = (WORLD.settings(topics={"sample_partitions": n}) for n in (1, 4))
    stage = Bench().stage
    assert Standby(one, stage, lambda message: []).remembered([]) == [0]
    assert Standby(several, stage, lambda message: []).remembered([]) == []
    assert Standby(several, stage, lambda message: []).remembered([1, 3]) == [1, 3]


def commit(farm: Farm, upto: int) -> None:
    """As the worker that binds does."""
    consumer = KafkaConsumer(bootstrap_servers=farm.broker.bootstrap_servers, group_id=group_id(farm.settings))
    consumer.commit({TopicPartition(farm.names.samples, 0): OffsetAndMetadata(upto, "", -1)})
    consumer.close()
