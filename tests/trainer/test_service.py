"""The trainer as a process: what it does with a log, and what it leaves when it is killed."""

import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from deploy.machine.brokers import Broker
from streams.broker.log import committed_offsets
from streams.models.registry import Registry
from streams.service.folder_lock import FolderInUse, FolderLock
from tests.support.recorded import recorded
from tests.support.trainers import N_SLOTS, PATIENCE_S, TRAINER, TrainerFleet
from trainer.checkpoints.checkpoint import CheckpointFolder, admitted_twice
from trainer.learner import Learner


@pytest.fixture
def fleet(any_broker: Broker, prefix: str, tmp_path: Path) -> Iterator[TrainerFleet]:
    made = TrainerFleet(any_broker, prefix, tmp_path, TRAINER)
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


def test_trains_publishes_and_stops_on_sigterm(fleet: TrainerFleet) -> None:
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
    fleet: TrainerFleet, in_memory: dict[str, np.ndarray]
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


def test_a_second_trainer_in_the_same_folder_ends_with_a_clear_sentence(fleet: TrainerFleet) -> None:
    first = FolderLock(fleet.folder / "checkpoints")
    second = fleet.start()
    assert second.wait(timeout=PATIENCE_S) == 1
    assert "checkpoints is in use by process" in fleet.log_file.read_text()
    first.release()
