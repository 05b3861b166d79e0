"""A version's model card says what the manifest says, and its code runs."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml  # type: ignore[import-untyped]
from pydantic import ValidationError

from encoders.card import CARD_NAME, model_card
from encoders.manifest import LogRange, ModelManifest, decode_manifest
from encoders.modality import ModalitySpec
from streams.models.registry import Registry
from streams.registry_settings import RegistrySettings
from tests.support.models import DIM, bundle

MANIFEST = msgspec.structs.replace(
    bundle(7).manifest,
    evaluation={"retrieval/gravity->gyroscope/cmap": 0.34567},
    missing_evidence=("too few <b>held-out</b> samples | of\nradar",),
    trained_on=(LogRange(topic="mmbind.pairs", partition=2, first=10, end=99),),
    trained_sources=("a", "b", "c"),
)


def front(license_id: str = "") -> dict[str, Any]:
    _, found, _ = model_card(MANIFEST, license_id).split("---\n", 2)
    read = yaml.safe_load(found)
    assert isinstance(read, dict)
    return read


def test_begins_with_what_model_hubs_read() -> None:
    assert model_card(MANIFEST).startswith("---\n")
    assert front() == {
        "library_name": "mmbind-stream",
        "pipeline_tag": "feature-extraction",
        "tags": ["multimodal", "sensors", "time-series", "contrastive"],
    }


@pytest.mark.parametrize("license_id", ["apache-2.0", "no", "1.0", "null", "LGPL-2.1+"])
def test_names_the_license_of_the_settings_whatever_yaml_would_read(license_id: str, tmp_path: Path) -> None:
    settings = RegistrySettings(root=str(tmp_path), license=license_id)
    Registry.of(settings).publish(bundle(7))
    text = (tmp_path / "v7" / CARD_NAME).read_text()
    assert text == model_card(decode_manifest((tmp_path / "v7/manifest.json").read_bytes()), license_id)
    assert front(license_id) == {"license": license_id} | front()


@pytest.mark.parametrize("given", ['a"b', "a b", "a\nb", "mit\n", "a: b", "-x", "ä"])
def test_what_is_no_identifier_is_no_license(given: str) -> None:
    with pytest.raises(ValidationError, match="license"):
        RegistrySettings(license=given)


def test_says_what_it_was_trained_on_how_it_was_judged_and_what_it_is_not_for() -> None:
    text = model_card(MANIFEST)
    for part in (
        "# Encoders, version 7",
        "Trained after version 6, on 3 known sources.",
        "| gravity | [32, 3] | 50 | not given | not named |",
        "| mmbind.pairs | 2 | 10 | 99 |",
        "| retrieval/gravity->gyroscope/cmap | 0.3457 |",
        "- too few &lt;b>held-out&lt;/b> samples \\| of radar",
        "Embeddings of two versions never mix",
    ):
        assert part in text, part


def test_a_table_stays_a_table_whatever_a_unit_is() -> None:
    spec = ModalitySpec(name="gravity", n_channels=1, n_steps=2, rate_hz=1.5, unit="a|b\nc", channels=("x`",))
    text = model_card(msgspec.structs.replace(MANIFEST, modalities=(spec,)))
    assert "| gravity | [2, 1] | 1.5 | a\\|b c | x' |" in text


def card_of(root: Path) -> tuple[ModelManifest, str]:
    manifest = Registry(str(root)).publish(bundle(7))
    return manifest, (root / "v7" / CARD_NAME).read_text()


def test_lies_beside_the_manifest_and_is_none_of_its_files(tmp_path: Path) -> None:
    manifest, text = card_of(tmp_path)
    assert text == model_card(manifest)
    assert all(CARD_NAME not in file.name for file in manifest.files)
    (tmp_path / "v7" / CARD_NAME).unlink()
    assert Registry(str(tmp_path)).fetch(manifest).weights
    assert Registry(str(tmp_path)).publish(bundle(7)) == manifest


def test_its_code_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    _, text = card_of(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(compile(code, CARD_NAME, "exec"), {})
    printed = capsys.readouterr().out
    assert printed == f"(2, {DIM})\n" and f"# {printed.strip()}" in code
