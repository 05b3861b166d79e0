"""The trainer as a process, on a real broker, with what workers would have written."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient

from deploy.machine.brokers import Broker
from streams.broker.connection import client_config, producer_config
from streams.broker.log import read_all
from streams.broker.topics import create_topics
from streams.messages.codec import batches
from streams.messages.outbox import partition_of
from streams.messages.topic_names import TopicNames
from streams.models.channels import ChannelView
from streams.records import Binding, Sample
from tests.support.recorded import recorded, small_settings
from tests.support.waiting import wait_until
from trainer.settings import TrainerSettings

PATIENCE_S = 150.0
# Cycles of 16 end inside a message.
BINDINGS_A_MESSAGE = 13
# After so few steps little is learned: what is shown here is the way of a version that passes.
LENIENT = {"min_effective_rank": 1, "max_mean_cosine": 1, "chance_factor": 1, "retrieval_errors": 1e6}
TRAINER = small_settings(cycle_bindings=16, steps_per_cycle=25, gate=LENIENT)
N_SLOTS = 14


class TrainerFleet:
    """Topics on a broker, what workers would have written, and a trainer that can be started, killed and stopped."""

    def __init__(self, broker: Broker, prefix: str, folder: Path, trainer: TrainerSettings, pair_partitions: int = 1):
        self.record = recorded(N_SLOTS)
        self.trainer, self.folder = trainer, folder
        self.settings = self.record.world.settings(
            broker={"bootstrap_servers": broker.bootstrap_servers},
            topics={"prefix": prefix, "sample_partitions": 2, "pair_partitions": pair_partitions},
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
        self.settings_of(folder)
        (folder / "trainer.json").write_text(trainer.model_dump_json())

    def settings_of(self, data_dir: Path) -> None:
        """What is started from now on keeps its checkpoints there."""
        runtime = self.settings.runtime.model_copy(update={"data_dir": str(data_dir)})
        self.settings = self.settings.model_copy(update={"runtime": runtime})
        (self.folder / "settings.json").write_text(self.settings.model_dump_json())

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

    def start(self, *launcher: str) -> subprocess.Popen[bytes]:
        """A trainer; `launcher` are arguments of Python before it."""
        files = [str(self.folder / name) for name in ("settings.json", "trainer.json")]
        command = [sys.executable, *launcher, "-m", "tests.support.trainer_process", *files]
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
