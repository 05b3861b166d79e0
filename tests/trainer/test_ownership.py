"""Two trainers, one topic of models: the processes, on the embedded broker."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.machine.brokers import EmbeddedBroker
from tests.support.trainers import PATIENCE_S, TRAINER, TrainerFleet


@pytest.fixture
def fleet(embedded_broker: EmbeddedBroker, prefix: str, tmp_path: Path) -> Iterator[TrainerFleet]:
    made = TrainerFleet(embedded_broker, prefix, tmp_path, TRAINER)
    yield made
    made.close()


def test_a_trainer_with_another_data_folder_publishes_nothing_and_says_what_to_do(fleet: TrainerFleet) -> None:
    fleet.write(fleet.record.bindings)
    first = fleet.start()
    fleet.wait(lambda: 2 in fleet.view().decisions, "two versions", every_s=0.3)
    assert fleet.stop(first) == 0
    before = fleet.view()

    fleet.settings_of(fleet.folder / "another")
    second = fleet.start()
    assert second.wait(timeout=PATIENCE_S) == 1
    assert f"set trainer.adopt_version to {max(before.manifests)}" in fleet.log_file.read_text()
    assert fleet.view().manifests.keys() == before.manifests.keys()
    assert fleet.view().history("stable") == before.history("stable")
