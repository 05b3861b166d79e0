"""A service stands still for so long that the broker deletes what it has not read yet."""

import re
import time
from collections import Counter
from collections.abc import Callable

from kafka import TopicPartition
from kafka.admin import KafkaAdminClient

from streams.broker.log import LogReader, committed_offsets
from streams.worker.faust_app import group_id
from tests.chaos.fault import Fault
from tests.chaos.stage import PAIR_PARTITIONS, PARTITIONS, Stage

STOPPED_S = 8.0
# What the services must say, with its number.
SAID_BY_WORKER = re.compile(r"(\d+) messages of (\S+), partition (\d+), were deleted before they were read")
SAID_BY_TRAINER = re.compile(r"(\d+) messages of (\S+)\[(\d+)\] were deleted unread")
SAYING_S = 60.0

Place = tuple[str, int]


class WorkerRetention(Fault):
    """The worker is stopped, windows are deleted unread; it must go on behind them and say how many there were."""

    name = "worker stopped past the retention"
    kinds = ("kafka",)
    n_strikes = 1
    cuts = "windows"

    def strike(self, stage: Stage) -> float:
        """Deletes half of what came while the worker stood still; deleted windows are excused."""
        stage.workers.pop(0).stop()
        stage.pause(STOPPED_S, STOPPED_S)
        topics = [stage.farm.names.windows(modality) for modality in stage.farm.settings.modalities]
        lost = deleted(stage, topics, PARTITIONS, group_id(stage.farm.settings))
        for key, taken in list(stage.sensors.taken.items()):
            first, end = lost.get((taken.topic, taken.partition), (0, 0))
            if first <= taken.offset < end:
                stage.excused.add(key)
        worker = stage.start_worker()
        ended_s = time.monotonic()
        expect(stage, worker.log_file.read_text, SAID_BY_WORKER, lost)
        return ended_s


class TrainerRetention(Fault):
    """The trainer is stopped, Bindings are deleted unread; it must go on behind them and say how many there were."""

    name = "trainer stopped past the retention"
    kinds = ("kafka",)
    n_strikes = 1
    cuts = "pairs"

    def strike(self, stage: Stage) -> float:
        """Deletes half of what came while the trainer stood still."""
        trainer, stage.trainer = stage.trainer, None
        assert trainer is not None, "no trainer was started"
        trainer.stop()
        stage.pause(STOPPED_S, STOPPED_S)
        group = f"{stage.farm.names.prefix}trainer"
        lost = deleted(stage, [stage.farm.names.pairs], PAIR_PARTITIONS, group)
        started = stage.start_trainer()
        ended_s = time.monotonic()
        expect(stage, started.log_file.read_text, SAID_BY_TRAINER, lost)
        return ended_s


def deleted(stage: Stage, topics: list[str], n_partitions: int, group: str) -> dict[Place, tuple[int, int]]:
    """Deletes up to the middle of what a group has not read, by place: the first offset lost, and the first left."""
    lost: dict[Place, tuple[int, int]] = {}
    for topic in topics:
        committed = committed_offsets(stage.direct, group, topic, range(n_partitions))
        with LogReader(stage.direct, topic) as reader:
            ends = reader.ends()
        for partition, first in committed.items():
            if (end := (first + ends[partition]) // 2) > first:
                lost[topic, partition] = (first, end)
    admin = KafkaAdminClient(bootstrap_servers=stage.cluster.direct.split(","))
    admin.delete_records({TopicPartition(*place): end for place, (_, end) in lost.items()})
    admin.close()
    n_lost = sum(end - first for first, end in lost.values())
    stage.notes.append(f"{n_lost} messages of {', '.join(topics)} were deleted unread")
    return lost


def expect(
    stage: Stage, read_log: Callable[[], str], said: re.Pattern[str], lost: dict[Place, tuple[int, int]]
) -> None:
    """It is a fault where the service does not say, for each partition, how many messages it lost."""
    wanted = Counter({place: end - first for place, (first, end) in lost.items()})

    def told() -> Counter[Place]:
        return Counter({(topic, int(number)): int(n) for n, topic, number in said.findall(read_log())})

    if not stage.wait(lambda: told() == wanted, SAYING_S, f"the service says what was lost: {dict(wanted)}"):
        stage.faults.append(f"instead it says {dict(told())}")
