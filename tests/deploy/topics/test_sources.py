"""A source is forgotten by real services on a real broker."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from deploy.cli.main import app
from deploy.errors import WrongInput
from deploy.machine.brokers import EmbeddedBroker
from deploy.topics.sources import versions_trained_on
from encoders.manifest import ModelManifest
from streams.records import Binding
from tests.support.workers import Farm, complete_world

GONE = "node-03"


def asked(farm: Farm, *arguments: str) -> dict[str, Any]:
    command = [*arguments, "--json", "--config", str(farm.folder / "mmbind.toml")]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, (result.output, result.exception)
    told: dict[str, Any] = json.loads(result.stdout)
    return told


def sources_of(binding: Binding) -> set[str]:
    return {one.sample_id.partition("@")[0] for one in binding.partners}


def test_a_forgotten_source_is_nobodys_partner_any_more_also_after_a_restart(
    embedded_broker: EmbeddedBroker, tmp_path: Path, prefix: str
) -> None:
    nodes = complete_world()
    with Farm(embedded_broker, nodes, tmp_path, prefix, grace_s=20.0) as farm:
        worker = farm.start_worker()
        farm.send(nodes.windows(20))
        farm.wait_for_bindings(6 * 20)
        assert any(GONE in sources_of(one) for one in farm.bindings()), "it is a partner as any other"
        told = asked(farm, "sources", "forget", GONE)
        assert told == {"source_id": GONE, "forgotten": True, "samples": 20, "versions": []}
        farm.wait(lambda: "more sources are forgotten" in worker.log_file.read_text())

        before = {(one.sample_id, one.round) for one in farm.bindings()}
        farm.send(nodes.windows(20, first=20))
        farm.wait_for_bindings(6 * 20 + 5 * 20)
        farm.wait(lambda: len(farm.rejects()) == 3 * 20)
        after = [one for one in farm.bindings() if (one.sample_id, one.round) not in before]
        assert after and not any(GONE in sources_of(one) or GONE in one.sample_id for one in after)
        assert asked(farm, "rejects", "list")["by_reason"] == {"forgotten": 60}
        assert worker.stop() == 0

        second = farm.start_worker()
        farm.send(nodes.windows(20, first=40))
        farm.wait_for_bindings(6 * 20 + 5 * 40)
        again = [one for one in farm.bindings() if one.worker.endswith("-1") and str(second.pid) in one.worker]
        assert again and not any(GONE in sources_of(one) for one in again)
        assert {one["source_id"] for one in asked(farm, "sources", "list")["sources"] if one["forgotten"]} == {GONE}
        assert asked(farm, "audit")["windows"]["shares"]["rejected"] == 3 * 40

        asked(farm, "sources", "forget", GONE, "--undo")
        farm.wait(lambda: not any(one["forgotten"] for one in asked(farm, "sources", "list")["sources"]))


def test_an_id_that_no_source_can_have_is_refused(embedded_broker: EmbeddedBroker, tmp_path: Path, prefix: str) -> None:
    farm = Farm(embedded_broker, complete_world(), tmp_path, prefix)
    result = CliRunner().invoke(app, ["sources", "forget", "", "--config", str(farm.folder / "mmbind.toml")])
    with pytest.raises(WrongInput, match="source id '': wanted 1 to"):
        raise result.exception or AssertionError(result.output)


def test_the_versions_that_learned_from_a_source_are_named() -> None:
    def version(number: int, *sources: str) -> ModelManifest:
        return ModelManifest(
            version=number,
            parent=0,
            created_ns=1,
            modalities=(),
            shared_modality="acceleration",
            dim=8,
            trained_sources=sources,
        )

    manifests = {3: version(3, "a", "b"), 1: version(1, "a"), 2: version(2)}
    assert versions_trained_on(manifests, "a") == [1, 3]
    assert versions_trained_on(manifests, "c") == []
