"""A trainer as a process that finds a backlog, and how fast it works it off while it trains."""

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient

from benchmarks.speed.processes import ENVIRONMENT, LOOK_EVERY_S, cpu_seconds, metric, metrics_text
from benchmarks.trainer.steps import bindings_of
from deploy.machine.brokers import Broker, free_port
from deploy.machine.process import ChildProcess
from deploy.settings.config import Settings, as_toml
from streams.broker.topics import create_topics
from streams.messages.codec import encode_batch
from streams.messages.outbox import partition_of
from streams.messages.topic_names import TopicNames
from streams.records import Binding, Sample
from streams.testing import SyntheticWorld

N_SOURCES, HELD_OUT = 60, 4
PARTITIONS = 4
SAMPLES_A_MESSAGE, BINDINGS_A_MESSAGE = 20, 16
# A sample's later rounds come so many samples after it, as a worker asks again while its history grows.
ROUND_AFTER = (0, 128, 384, 896, 1920, 3968)
# Of the issue: whatever waits, this many are to be admitted.
WANTED_PER_S = 2_000
# How long the trainer may take for all, and is watched once nothing comes any more.
LIMIT_S, IDLE_S = 150.0, 12.0
COUNTED, STEPS = "mmbind_trainer_bindings_total", "mmbind_train_steps_total"


def world_of() -> SyntheticWorld:
    """Nodes with windows of 50 steps, some of them held out, so that versions are judged."""
    return SyntheticWorld(N_SOURCES, n_complete=HELD_OUT, held_out=HELD_OUT)


def settings_for(world: SyntheticWorld, broker: Broker, folder: Path, threads: int) -> Settings:
    """The default settings of a trainer, on topics of its own."""
    sections = world.settings().model_dump(include={"modalities", "shared_modality", "ingest"})
    return Settings.model_validate(
        sections
        | {
            "broker": {"bootstrap_servers": broker.bootstrap_servers},
            "topics": {"prefix": "backlog.", "sample_partitions": PARTITIONS, "pair_partitions": PARTITIONS},
            "registry": {"root": str(folder / "models")},
            "runtime": {"data_dir": str(folder / "data"), "trainer_port": free_port(), "threads": threads},
        }
    )


def in_order(samples: Sequence[Sample], n_rounds: int) -> Iterator[Binding]:
    """A first Binding for each sample, and later rounds of it some samples later."""
    made = [bindings_of(samples, number) for number in range(n_rounds)]
    for place in range(len(samples) + ROUND_AFTER[n_rounds - 1]):
        for later, bindings in zip(ROUND_AFTER, made, strict=False):
            if 0 <= place - later < len(samples):
                yield bindings[place - later]


def write(settings: Settings, samples: Iterable[Sample], bindings: Iterable[Binding]) -> None:
    """Puts them into their topics as workers do: all of a sample in one partition."""
    names = TopicNames(settings.topics.prefix)
    producer = KafkaProducer(bootstrap_servers=settings.broker.bootstrap_servers, enable_idempotence=False, linger_ms=5)
    for topic, records, together in (
        (names.samples, samples, SAMPLES_A_MESSAGE),
        (names.pairs, bindings, BINDINGS_A_MESSAGE),
    ):
        waiting: list[list[Any]] = [[] for _ in range(PARTITIONS)]
        for record in records:
            own = waiting[place := partition_of(record.sample_id.encode(), PARTITIONS)]
            own.append(record)
            if len(own) == together:
                producer.send(topic, value=encode_batch(own), partition=place)
                own.clear()
        for place, own in enumerate(waiting):
            if own:
                producer.send(topic, value=encode_batch(own), partition=place)
    producer.flush()
    producer.close()


def measure(broker: Broker, folder: Path, n_bindings: int, n_rounds: int, threads: int) -> dict[str, float]:
    """Writes a backlog, lets a trainer work it off, and then leaves it idle for a moment."""
    world = world_of()
    settings = settings_for(world, broker, folder, threads)
    (folder / "mmbind.toml").write_text(as_toml(settings))
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    create_topics(admin, settings)
    admin.close()
    samples = list(world.samples(-(-n_bindings // n_rounds // N_SOURCES)))
    bindings = list(in_order(samples, n_rounds))
    write(settings, samples, bindings)
    command = [sys.executable, "-m", "deploy.cli", "train", "--config", str(folder / "mmbind.toml")]
    environment = ENVIRONMENT | {"OMP_NUM_THREADS": str(threads)}
    trainer = ChildProcess("trainer", command, folder / "trainer.log", environment)
    trainer.start()
    try:
        return figures_of(followed(trainer, settings.runtime.trainer_port, len(bindings)), len(bindings), len(samples))
    finally:
        trainer.stop()


class Look(NamedTuple):
    """What is seen at a time in s: Bindings worked off, steps taken, seconds of CPU that the trainer has had."""

    at_s: float
    n_done: int
    n_steps: int
    cpu_s: float


def followed(trainer: ChildProcess, port: int, n_bindings: int) -> list[Look]:
    """What is seen whenever something was done, and once more after it was idle.

    Raises:
        RuntimeError: If the trainer ends or takes too long.
    """
    found: list[Look] = []
    end_s = time.monotonic() + LIMIT_S
    while not found or found[-1].n_done < n_bindings:
        if not trainer.alive or time.monotonic() > end_s:
            raise RuntimeError(f"{found[-1:]} of {n_bindings} Bindings are worked off:\n{trainer.log_tail(40)}")
        time.sleep(LOOK_EVERY_S)
        found += [now for now in _looked_at(trainer, port) if not found or now[1:3] != found[-1][1:3]]
    time.sleep(IDLE_S)
    return [*found, *_looked_at(trainer, port)]


def _looked_at(trainer: ChildProcess, port: int) -> list[Look]:
    """Nothing before the trainer answers."""
    try:
        text = metrics_text(port)
    except OSError:
        return []
    done, steps = (int(metric(text, name)) for name in (COUNTED, STEPS))
    return [Look(time.monotonic(), done, steps, cpu_seconds(trainer.pid))]


def figures_of(found: Sequence[Look], n_bindings: int, n_samples: int) -> dict[str, float]:
    """Rates while the backlog was there, what was left of it when it should have been gone, and steps.

    Args:
        found: As `followed` gives it, the last one after it was idle.
        n_bindings: In the backlog.
        n_samples: Of which these are.
    """
    start = next(place for place, now in enumerate(found) if now.n_done)
    began, ended, idle = found[start], next(now for now in found if now.n_done >= n_bindings), found[-1]
    seconds, n_done = max(ended.at_s - began.at_s, 1e-9), ended.n_done - began.n_done
    due_s = began.at_s + (n_bindings - began.n_done) / WANTED_PER_S
    return {
        "bindings": n_bindings,
        "samples": n_samples,
        "seconds": seconds,
        "admitted_per_s": n_done / seconds,
        "admitted_per_cpu_s": n_done / max(ended.cpu_s - began.cpu_s, 1e-9),
        "lag_after_backlog": min(n_bindings - now.n_done for now in found[start:] if now.at_s <= due_s),
        "steps_per_s": (ended.n_steps - began.n_steps) / seconds,
        "steps_in_backlog": ended.n_steps,
        "steps_while_idle": idle.n_steps - ended.n_steps,
    }
