"""`mmbind models verify`: a trainer's versions from a real log, trained again."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from deploy.lineage.verification import verified
from deploy.machine.brokers import Broker
from deploy.settings.config import Settings
from encoders.manifest import ModelManifest
from streams.broker.log import LogReader
from tests.support.trainers import TRAINER, TrainerFleet
from trainer.retraining.course import CannotRetrace


@pytest.fixture
def fleet(any_broker: Broker, prefix: str, tmp_path: Path) -> Iterator[TrainerFleet]:
    made = TrainerFleet(any_broker, prefix, tmp_path, TRAINER)
    yield made
    made.close()


def test_a_version_is_trained_again_from_the_log_or_what_is_wrong_is_said(
    fleet: TrainerFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.write(fleet.record.bindings)
    process = fleet.start()
    fleet.wait(lambda: 3 in fleet.view().decisions, "three decisions", every_s=0.3)
    fleet.stop(process)
    told = fleet.settings.model_dump() | {"trainer": TRAINER.model_dump()}
    settings, manifests = Settings.model_validate(told), fleet.view().manifests

    found = verified(manifests[3], settings)
    assert found.differing == () and len(found.files) == 3 and found.n_steps > 0
    assert found.told.startswith("version 3 is what it says: the same 3 files again, from ")

    files = manifests[3].files
    forged = msgspec.structs.replace(files[0], sha256="0" * 64)
    other: ModelManifest = msgspec.structs.replace(manifests[3], files=(forged, *files[1:]))
    found = verified(other, settings)
    assert found.differing == (files[0].name.split("/")[-1],)
    assert found.told.startswith(f"version 3 comes out otherwise: {found.differing[0]} differ")

    monkeypatch.setattr(LogReader, "starts", lambda self: {0: 2, 1: 0})
    with pytest.raises(CannotRetrace, match=r"version 1: part of the log .* has expired: .*pairs\[0\] from 0 to 1"):
        verified(manifests[1], settings)
