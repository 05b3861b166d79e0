"""One run's services, sensors and witness on a cluster, and what a fault may do to them."""

import re
import signal
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random

from deploy.machine.process import ChildProcess
from streams.settings import BrokerSettings
from tests.chaos.brokers import Cluster
from tests.chaos.reading import read_models
from tests.chaos.sensors import Sensors, WindowKey
from tests.chaos.witness import Witness
from tests.chaos.world import PlayedWorld
from tests.support.workers import ENVIRONMENT, Farm, start

TRAINER: dict[str, object] = {
    "cycle_bindings": 48,
    "steps_per_cycle": 4,
    "warm_samples": 1,
    "publish_every_s": 0,
    "batch_pairs": 12,
    **{"dim": 16, "width": 8, "idle_cycles": 0},
    # What so few steps teach is not judged here.
    "gate": {
        "retrieval_errors": 1e6,
        "chance_factor": 1.0,
        "chance_deviations": 0.0,
        "min_effective_rank": 1.0,
        "max_mean_cosine": 1.0,
        "min_pair_precision": 0.0,
    },
}
# With one partition of pairs training is bit-identical between runs of one log.
PARTITIONS, PAIR_PARTITIONS = 2, 1
GRACE_S = 1.0
# A worker that starts reads it back, and how long that takes is in what it needs to bind again.
INDEX = {"history_samples": 2000}
WARM_S, RECOVERY_S, SWAP_S, STOP_S = 180.0, 120.0, 20.0, 30.0
# Nothing that is still missing has come for so long: it will not.
SILENT_S = 40.0
EVERY_S = 0.2
SWAPPED = re.compile(r"swapped model \d+ for (\d+)")


class Stage:
    """Services that are started again when they end, as a supervisor would.

    `trainer_dir` is the data folder of the trainer whose lineage counts; `excused` windows were taken away by the fault
    itself; `faults` says what must not be, `notes` what happened, and `recoveries` how long what needed, in seconds;
    `afterwards` is done when all flows again.
    """

    def __init__(
        self,
        cluster: Cluster,
        world: PlayedWorld,
        folder: Path,
        prefix: str,
        random: Random,
        slot_s: float,
        n_workers: int = 1,
        grace_s: float = GRACE_S,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.cluster, self.folder, self.random, self.sources = cluster, folder, random, world.sources
        topics = {
            "partitions": PARTITIONS,
            "pair_partitions": PAIR_PARTITIONS,
            "replication_factor": len(cluster.nodes),
        }
        self.farm = Farm(
            cluster, world, folder, prefix, TRAINER, more={"topics": topics, "index": INDEX}, grace_s=GRACE_S
        )
        self.direct = BrokerSettings(bootstrap_servers=cluster.direct)
        self.sensors = Sensors(cluster.direct, self.farm.names, world, slot_s)
        self.witness = Witness(cluster.direct, self.farm.names, self.farm.settings.topics)
        self.trainer_dir = Path(self.farm.settings.runtime.data_dir)
        self.workers: list[ChildProcess] = []
        self.trainer: ChildProcess | None = None
        self.consumer: ChildProcess | None = None
        self.excused: set[WindowKey] = set()
        self.faults: list[str] = []
        self.notes: list[str] = []
        self.recoveries: dict[str, list[float]] = {}
        self.silences_s: list[float] = []
        self.afterwards: list[Callable[[], None]] = []
        self._n_workers = n_workers

    def __enter__(self) -> "Stage":
        for _ in range(self._n_workers):
            self.start_worker()
        self.start_trainer()
        self.start_consumer()
        self.witness.start()
        self.sensors.start()
        return self

    def __exit__(self, *exception: object) -> None:
        try:
            self.sensors.stop()
            self.witness.stop()
        finally:
            self.farm.__exit__(None, None, None)

    @property
    def n_checkpoints(self) -> int:
        """The number of the newest checkpoint of the trainer that counts."""
        folders = (self.trainer_dir / "checkpoints").glob("*")
        return max((int(one.name) for one in folders if one.name.isdecimal()), default=0)

    @property
    def followed(self) -> int:
        """The version that the consumer uses, 0 before the first one."""
        swaps = SWAPPED.findall(self.consumer.log_file.read_text()) if self.consumer else []
        return int(swaps[-1]) if swaps else 0

    def start_worker(self) -> ChildProcess:
        """One more worker."""
        self.workers.append(self.farm.start_worker())
        return self.workers[-1]

    def start_trainer(self) -> ChildProcess:
        """The trainer, in the folder that counts."""
        self.trainer = self.start_other_trainer(self.trainer_dir.parent)
        return self.trainer

    def start_other_trainer(self, folder: Path) -> ChildProcess:
        """A trainer with the settings in a folder; nobody starts it again."""
        self.farm.processes.append(start("train", folder, f"trainer-{len(self.farm.processes)}"))
        return self.farm.processes[-1]

    def start_consumer(self) -> ChildProcess:
        """A program that follows the models and embeds every sample."""
        name = f"consumer-{len(self.farm.processes)}"
        command = [sys.executable, "-m", "deploy.demo.consumer", str(self.folder / "mmbind.toml")]
        self.consumer = ChildProcess(name, command, self.folder / f"{name}.log", ENVIRONMENT)
        self.consumer.start()
        self.farm.processes.append(self.consumer)
        return self.consumer

    def wait(self, is_done: Callable[[], bool], timeout_s: float, what: str) -> bool:
        """Whether it came about in time; else that is a fault."""
        end_s = time.monotonic() + timeout_s
        while not is_done():
            self._tend()
            if time.monotonic() > end_s:
                self.faults.append(f"not after {timeout_s:.0f} s: {what}")
                return False
            time.sleep(EVERY_S)
        return True

    def pause(self, shortest_s: float, longest_s: float) -> None:
        """Lets a seeded time go by."""
        end_s = time.monotonic() + self.random.uniform(shortest_s, longest_s)
        while (left_s := end_s - time.monotonic()) > 0:
            self._tend()
            time.sleep(min(EVERY_S, left_s))

    def warm_up(self) -> bool:
        """Whether samples are bound, a model is trained and the consumer uses it."""
        return self.wait(
            lambda: len(self.witness.bound_s) > 100 and self.n_checkpoints > 1 and self.followed > 0,
            WARM_S,
            "Bindings, two checkpoints and a model in use",
        )

    def recover(self, began_s: float, ended_s: float) -> None:
        """Waits until something that each node sent after the fault's end is bound, and something new is trained on."""
        n_checkpoints = self.n_checkpoints
        found: dict[str, float] = {}

        def is_back() -> bool:
            # A Binding may have come a moment before it is looked for, and that moment counts.
            came_s = self.witness.first_bound_s(lambda one: self.sensors.sent_s.get(one, 0.0) >= ended_s)
            if came_s.keys() == set(self.sources):
                found["binding"] = max(came_s.values()) - ended_s
            if "training" not in found and self.n_checkpoints > n_checkpoints:
                found["training"] = time.monotonic() - ended_s
            return len(found) == 2

        self.wait(is_back, RECOVERY_S, "new samples bound and trained on after the fault's end")
        self.silences_s.append(self.witness.longest_silence_s(began_s))
        for name, seconds in found.items():
            self.recoveries.setdefault(name, []).append(seconds)

    def settle(self) -> None:
        """Sends no more, and lets the services come to the end of what there is."""
        self.sensors.stop()
        left, changed_s = self._left(), time.monotonic()
        while left != (0, 0) and time.monotonic() - changed_s < SILENT_S:
            self._tend()
            time.sleep(5 * EVERY_S)
            if (now := self._left()) != left:
                left, changed_s = now, time.monotonic()

    def end(self) -> None:
        """Ends all services; one that does not end with 0 on SIGTERM is a fault, and a consumer left behind is one."""
        ending = [one for one in (self.trainer, *self.workers) if one is not None]
        for process in ending:
            process.signal(signal.SIGTERM)
        self._expect_done(ending)
        self.trainer = None
        self.workers.clear()
        view = read_models(self.direct, self.farm.names)
        wanted = view.current(self.farm.settings.registry.channel) or 0
        self.wait(lambda: self.followed == wanted, SWAP_S, f"the consumer uses version {wanted}")
        if self.consumer is not None:
            self.consumer.signal(signal.SIGTERM)
            self._expect_done([self.consumer])

    def _expect_done(self, ending: Iterable[ChildProcess]) -> None:
        for process in ending:
            # Not SIGTERM a second time: it would end a process that is about to end by itself.
            process.wait(STOP_S)
            if code := process.exit_code if not process.alive else process.stop():
                self.faults.append(f"{process.name} ended with {code} on SIGTERM: {process.log_tail(1)[-200:]}")

    def _left(self) -> tuple[int, int]:
        """Windows that are in no sample, and samples without a Binding."""
        seen = {
            (*moment, modality)
            for name, moment in list(self.witness.moments.items())
            for modality in self.witness.modalities.get(name, ())
        }
        wanted = {
            (source, start_ns, modality) for source, modality, start_ns in self.sensors.taken.keys() - self.excused
        }
        return len(wanted - seen), len(self.witness.moments.keys() - self.witness.bound_s.keys())

    def _tend(self) -> None:
        """Starts again what has ended by itself."""
        for worker in [one for one in self.workers if one.exit_code is not None]:
            self.workers.remove(worker)
            self._note_end(worker)
            self.start_worker()
        if self.trainer is not None and self.trainer.exit_code is not None:
            self._note_end(self.trainer)
            self.start_trainer()
        if self.consumer is not None and self.consumer.exit_code is not None:
            self._note_end(self.consumer)
            self.start_consumer()

    def _note_end(self, process: ChildProcess) -> None:
        last = process.log_tail(1)[-200:]
        self.notes.append(f"{process.name} ended by itself with {process.exit_code} and was started again: {last}")
