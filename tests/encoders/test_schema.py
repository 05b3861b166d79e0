import json
import shutil
from pathlib import Path

import pytest

from encoders.bundle import MANIFEST_NAME, BundleError, load_bundle
from encoders.manifest import decode_manifest
from encoders.nets import load_encoders
from encoders.schema import SCHEMA, schema_complaint

RELEASE_0_1_0 = Path(__file__).parents[1] / "fixtures" / "release_0_1_0" / "bundle"


@pytest.mark.parametrize("schema", [SCHEMA, "1", "1.7", "0.9"])
def test_what_is_as_old_or_only_has_more_is_read(schema: str) -> None:
    assert schema_complaint(schema) == ""


@pytest.mark.parametrize("schema", ["2.0", "10.1"])
def test_a_newer_major_is_refused_with_what_to_do(schema: str) -> None:
    assert "install the release that wrote it" in schema_complaint(schema)


@pytest.mark.parametrize("schema", ["", "x", "1.x", "-1", "1.0.0", "9" * 5000, "1.0\n", "\ud800"])
def test_what_is_no_schema_is_refused(schema: str) -> None:
    assert "wanted MAJOR.MINOR" in schema_complaint(schema)


def test_a_bundle_of_release_0_1_0_loads() -> None:
    bundle = load_bundle(RELEASE_0_1_0)
    assert b"schema" not in (RELEASE_0_1_0 / MANIFEST_NAME).read_bytes()
    assert bundle.manifest.schema == SCHEMA
    assert sorted(load_encoders(bundle)) == ["acceleration", "gravity", "gyroscope"]


def changed(folder: Path, **fields: object) -> Path:
    """The bundle of release 0.1.0 with a manifest that says something else."""
    shutil.copytree(RELEASE_0_1_0, folder)
    manifest = json.loads((folder / MANIFEST_NAME).read_bytes())
    (folder / MANIFEST_NAME).write_text(json.dumps(manifest | fields))
    return folder


def test_a_bundle_of_a_later_minor_loads(tmp_path: Path) -> None:
    assert load_bundle(changed(tmp_path / "v1", schema="1.9", of_a_later_release=[1])).manifest.schema == "1.9"


def test_a_bundle_of_a_later_major_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"schema 2\.0, this release reads up to 1: install"):
        load_bundle(changed(tmp_path / "v1", schema="2.0", version="another thing"))


@pytest.mark.parametrize(
    "claim",
    [
        {"dim": 10**9},
        {"dim": 0},
        {"version": -1},
        {"version": 10**30},
        {"created_ns": 10**40},
        {"modalities": [{"name": "m", "n_channels": 10**12, "n_steps": 1, "rate_hz": 1.0}]},
        {"files": [{"name": "f", "size_bytes": 1, "sha256": "0"}] * 1001},
        {"trained_on": [{"topic": "t", "partition": -1, "first": 0, "end": 0}]},
    ],
)
def test_a_manifest_cannot_claim_what_cannot_be(claim: dict[str, object]) -> None:
    manifest = json.loads((RELEASE_0_1_0 / MANIFEST_NAME).read_bytes())
    assert decode_manifest(json.dumps(manifest).encode()).dim == 8
    with pytest.raises(ValueError, match=next(iter(claim))):
        decode_manifest(json.dumps(manifest | claim).encode())
