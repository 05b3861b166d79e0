"""`mmbind train` with several processes, on a real broker: what it starts itself, and what `torchrun` starts."""

import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from deploy.machine.brokers import Broker
from tests.support.trainers import TRAINER, TrainerFleet
from trainer.checkpoints.checkpoint import admitted_twice

TOGETHER = TRAINER.model_copy(update={"processes": 2})


@pytest.fixture
def fleet(any_broker: Broker, prefix: str, tmp_path: Path) -> Iterator[TrainerFleet]:
    made = TrainerFleet(any_broker, prefix, tmp_path, TOGETHER)
    yield made
    made.close()


def others_of(pid: int) -> list[psutil.Process]:
    return [one for one in psutil.Process(pid).children() if "trainer.parallel.rank" in one.cmdline()]


def test_two_processes_train_publish_and_stop_together(fleet: TrainerFleet) -> None:
    fleet.write(fleet.record.bindings)
    process = fleet.start()
    fleet.wait(lambda: 5 in fleet.view().decisions, "five decisions", every_s=0.3)
    (other,) = others_of(process.pid)

    assert fleet.stop(process) == 0
    assert not other.is_running()
    assert "2 processes train together" in fleet.log_file.read_text()


def test_where_the_other_one_dies_the_trainer_ends_and_goes_on_from_its_checkpoint(fleet: TrainerFleet) -> None:
    fleet.write(fleet.record.bindings[:32])
    process = fleet.start()
    fleet.wait(lambda: fleet.n_checkpoints() >= 1, "a checkpoint")
    others_of(process.pid)[0].send_signal(signal.SIGKILL)
    fleet.write(fleet.record.bindings[32:])

    assert process.wait(60) == 1
    assert "training cannot go on: a process that trains with this one is gone" in fleet.log_file.read_text()
    again = fleet.start()
    fleet.wait(lambda: 5 in fleet.view().decisions, "five decisions", every_s=0.3)
    assert fleet.stop(again) == 0
    assert admitted_twice(fleet.folder / "checkpoints") == 0


def test_under_torchrun_rank_0_is_the_trainer(fleet: TrainerFleet) -> None:
    fleet.write(fleet.record.bindings)
    agent = fleet.start("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    fleet.wait(lambda: 5 in fleet.view().decisions, "five decisions", every_s=0.3)
    (one, two) = psutil.Process(agent.pid).children()

    fleet.stop(agent)
    said = fleet.log_file.read_text()
    assert not one.is_running() and not two.is_running()
    assert said.count("2 processes train together") == 1 and said.count("trainer stopped") == 1
    assert "the trainer is gone" not in said
