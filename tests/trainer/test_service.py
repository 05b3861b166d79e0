"""The trainer as a process, on both brokers: what it does with a log, and what it leaves when it is killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient

from deploy.machine.brokers import Broker
from streams.broker.connection import client_config, producer_config
from streams.broker.log import committed_offsets, read_all
from streams.broker.topics import create_topics
from streams.messages.codec import batches
from streams.messages.outbox import partition_of
from streams.messages.topic_names import TopicNames
from streams.models.channels import ChannelView
from streams.models.registry import Registry
from streams.records import Binding, Sample
from streams.service.folder_lock import FolderInUse, FolderLock
from tests.support.recorded import recorded, small_settings
from tests.support.waiting import wait_until
from trainer.checkpoints.checkpoint import CheckpointFolder, admitted_twice
from trainer.learner import Learner
from trainer.settings import TrainerSettings

PATIENCE_S = 90.0
# Cycles of 16 end inside a message.
BINDINGS_A_MESSAGE = 13
# After so few steps little is learned: what is shown here is the way of a version that passes.
LENIENT = {"min_effective_rank": 1, "max_mean_cosine": 1, "chance_factor": 1, "retrieval_tolerance": 1}
TRAINER = small_settings(cycle_bindings=16, steps_per_cycle=25, gate=LENIENT)
N_SLOTS = 14


class Fleet:
    """Topics on a broker, what workers would have written, and a trainer that can be started, killed and stopped."""

    def __init__(self, broker: Broker, prefix: str, folder: Path, trainer: TrainerSettings, pair_partitions: int = 1):
        self.record = recorded(N_SLOTS)
        self.trainer, self.folder = trainer, folder
        self.settings = self.record.world.settings(
            broker={"bootstrap_servers": broker.bootstrap_servers},
            topics={"prefix": prefix, "partitions": 2, "pair_partitions": pair_partitions},
            registry={"root": str(folder / "models")},
            runtime={"data_dir": str(folder), "trainer_port": 0},
        )
        self.names = TopicNames(prefix)
        admin = KafkaAdminClient(**client_config(self.settings.broker))
        create_topics(admin, self.settings)
        admin.close()
        self.producer = KafkaProducer(**producer_config(self.settings.broker))
        self.processes: list[subprocess.Popen[bytes]] = []
        self.log_file = folder / "trainer.log"
        (folder / "settings.json").write_text(self.settings.model_dump_json())
        (folder / "trainer.json").write_text(trainer.model_dump_json())

    def write(self, bindings: list[Binding]) -> None:
        """Samples in messages of their partitions, then the Bindings, several a message."""
        parts: list[list[Sample]] = [[], []]
        for binding in bindings:
            sample = self.record.samples[binding.sample_id]
            parts[partition_of(sample.sample_id.encode(), 2)].append(sample)
        for partition, samples in enumerate(parts):
            for _, value in batches(samples, 20_000):
                self.producer.send(self.names.samples, value=value, partition=partition)
        self.producer.flush()
        n_partitions = self.settings.topics.pair_partitions
        for start in range(0, len(bindings), BINDINGS_A_MESSAGE):
            part = bindings[start : start + BINDINGS_A_MESSAGE]
            for _, value in batches(part, 900_000):
                self.producer.send(self.names.pairs, value=value, partition=start % n_partitions)
        self.producer.flush()

    def start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.support.trainer_process", "settings.json", "trainer.json"]
        command[3:] = [str(self.folder / name) for name in command[3:]]
        with self.log_file.open("ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | {"OMP_NUM_THREADS": "1"})
        self.processes.append(process)
        return process

    def wait(self, what: Callable[[], bool], text: str, every_s: float = 0.05) -> None:
        wait_until(
            what,
            PATIENCE_S,
            told=lambda: f"{text}; the trainer said:\n{self.log_file.read_text()}",
            is_hopeless=lambda: self.processes[-1].poll() is not None,
            every_s=every_s,
        )

    def stop(self, process: subprocess.Popen[bytes]) -> int:
        process.send_signal(signal.SIGTERM)
        return process.wait(timeout=30)

    def n_checkpoints(self) -> int:
        folder = self.folder / "checkpoints"
        return max((int(one.name) for one in folder.glob("*") if one.name.isdecimal()), default=0)

    def view(self) -> ChannelView:
        view = ChannelView()
        for message in read_all(self.settings.broker, self.names.models):
            assert view.apply(message.key or b"", message.value, message.offset) is None
        return view

    def close(self) -> None:
        self.producer.close()
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()


@pytest.fixture
def fleet(any_broker: Broker, prefix: str, tmp_path: Path) -> Iterator[Fleet]:
    made = Fleet(any_broker, prefix, tmp_path, TRAINER)
    yield made
    made.close()


def step_arrays(folder: Path) -> dict[str, np.ndarray]:
    found = CheckpointFolder(folder / "checkpoints").latest()
    assert found is not None
    return {name: value for name, value in found.arrays.items() if name.startswith("step/")}


@pytest.fixture(scope="module")
def in_memory() -> dict[str, np.ndarray]:
    """What the same Bindings give in the same order, without a broker and without being killed."""
    record = recorded(N_SLOTS)
    learner = Learner(record.world.specs, record.world.shared, TRAINER)
    arrays: dict[str, np.ndarray] = {}
    for binding in record.bindings:
        learner.admit(binding, record.samples)
        if learner.cycle_due:
            learner.run_cycle()
            arrays = {name: value for name, value in learner.snapshot().arrays.items() if name.startswith("step/")}
    return arrays


def test_trains_publishes_and_stops_on_sigterm(fleet: Fleet) -> None:
    fleet.write(fleet.record.bindings)
    process = fleet.start()
    fleet.wait(lambda: fleet.n_checkpoints() == 5, "five checkpoints")
    # Written after the version's own record.
    fleet.wait(lambda: 5 in fleet.view().decisions, "five decisions", every_s=0.3)
    assert fleet.stop(process) == 0

    view = fleet.view()
    committed = committed_offsets(fleet.settings.broker, f"{fleet.names.prefix}trainer", fleet.names.pairs, [0])
    assert committed[0] > 0
    manifest = view.manifests[5]
    assert manifest.trained_on[0].topic == fleet.names.pairs
    assert (manifest.trained_on[0].first, manifest.trained_on[0].end) == (0, committed[0])
    assert sorted(Registry(fleet.settings.registry.root).fetch(manifest).weights) == sorted(fleet.record.world.specs)
    assert "retrieval/gravity->gyroscope/cmap" in manifest.evaluation
    passed = [version for version, decision in view.decisions.items() if decision.passed]
    assert passed
    assert view.current("stable") == max(passed)


def test_killed_in_the_middle_of_a_cycle_and_started_again_it_has_the_same_bits(
    fleet: Fleet, in_memory: dict[str, np.ndarray]
) -> None:
    fleet.write(fleet.record.bindings)
    process = fleet.start()
    fleet.wait(lambda: fleet.n_checkpoints() >= 2, "two checkpoints")
    with pytest.raises(FolderInUse):
        FolderLock(fleet.folder / "checkpoints")
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert fleet.n_checkpoints() < 5
    process = fleet.start()
    fleet.wait(lambda: fleet.n_checkpoints() == 5, "five checkpoints")
    assert fleet.stop(process) == 0
    assert "resumed checkpoint" in fleet.log_file.read_text()

    mine = step_arrays(fleet.folder)
    assert mine.keys() == in_memory.keys()
    for name, value in in_memory.items():
        np.testing.assert_array_equal(mine[name], value, strict=True, err_msg=name)
    assert admitted_twice(fleet.folder / "checkpoints") == 0


@pytest.mark.parametrize("broker", ["embedded"], indirect=True)  # the lock is a file: no broker knows of it
def test_a_second_trainer_in_the_same_folder_ends_with_a_clear_sentence(fleet: Fleet) -> None:
    first = FolderLock(fleet.folder / "checkpoints")
    second = fleet.start()
    assert second.wait(timeout=PATIENCE_S) == 1
    assert "checkpoints is in use by process" in fleet.log_file.read_text()
    first.release()
