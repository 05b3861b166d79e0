"""What stands in a worker's place reads the settings that it is given."""

from pathlib import Path

import msgspec
import pytest

from benchmarks.speed.processes import MODULES, process
from deploy.machine.brokers import EmbeddedBroker
from deploy.settings.config import load
from streams.settings import StreamSettings

EXAMPLE = Path(__file__).parents[3] / "deploy" / "mmbind.example.toml"


@pytest.mark.parametrize("kind", list(MODULES))
def test_its_settings_are_those_of_a_worker(kind: str, tmp_path: Path) -> None:
    settings = load(EXAMPLE, mqtt={"address": "somewhere"})
    one = process(kind, settings, EmbeddedBroker(tmp_path / "broker.log"), tmp_path)
    told = msgspec.json.decode(Path(one.command[-1]).read_bytes())
    assert StreamSettings.model_validate(told["settings"]).modalities == settings.modalities
