"""Signatures of releases whose manifests have other fields."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from encoders.bundle import BundleError
from encoders.manifest import ModelManifest, decode_manifest
from streams.models.cache import ModelCache
from streams.models.channels import ChannelView, version_record
from streams.models.registry import Registry
from streams.models.signing import Verifier
from streams.registry_settings import RegistrySettings
from tests.support.signing import made_keys, signed


@pytest.fixture
def keys(tmp_path: Path) -> RegistrySettings:
    return made_keys(tmp_path)


def signed_elsewhere(keys: RegistrySettings, **changes: object) -> dict[str, Any]:
    """The JSON of a manifest that a release with other fields signed."""
    table = msgspec.json.decode(signed(keys).written) | changes
    table = {name: value for name, value in table.items() if value is not None and name != "signature"}
    private = load_pem_private_key(Path(keys.signing_key_file or "").read_bytes(), None)
    assert isinstance(private, Ed25519PrivateKey)
    return table | {"signature": private.sign(msgspec.json.encode(table, order="sorted")).hex()}


def read(table: dict[str, Any]) -> ModelManifest:
    return decode_manifest(json.dumps(table, indent=1).encode())


def test_a_manifest_of_a_release_with_fewer_fields_stays_signed(keys: RegistrySettings) -> None:
    older = read(signed_elsewhere(keys, lineage=None, bridge=None, settings=None, evaluation=None))
    assert older.lineage == "" and Registry.of(keys).fetch(older).weights


def test_a_manifest_of_a_release_with_more_fields_is_as_signed_with_all_of_them(keys: RegistrySettings) -> None:
    table = signed_elsewhere(keys, quantised={"bits": 8}, schema="1.9")
    newer = read(table)
    assert Registry.of(keys).fetch(newer).weights
    for altered in (table | {"quantised": {"bits": 4}}, {k: v for k, v in table.items() if k != "quantised"}):
        with pytest.raises(BundleError, match="altered since"):
            Registry.of(keys).fetch(read(altered))
    inner = signed_elsewhere(keys, files=[one | {"bits": 8} for one in table["files"]])
    assert Registry.of(keys).fetch(read(inner)).weights
    inner["files"][0]["bits"] = 4
    with pytest.raises(BundleError, match="altered since"):
        Registry.of(keys).fetch(read(inner))


def test_what_only_a_later_release_knows_goes_on_with_a_manifest(keys: RegistrySettings, tmp_path: Path) -> None:
    """Through the topic, and through a follower's cache."""
    newer, view = read(signed_elsewhere(keys, quantised={"bits": 8})), ChannelView()
    assert view.apply(*version_record(newer), 0) is None
    found = Registry.of(keys).fetch(view.manifests[1])
    cache = ModelCache(tmp_path / "cache", "stable", verifier=Verifier.of(keys.public_key_file))
    cache.keep(found)
    kept = cache.find(view.manifests[1])
    assert kept is not None and kept.manifest.written == newer.written


def test_a_field_that_stands_twice_is_read_as_it_was_signed(keys: RegistrySettings) -> None:
    manifest = signed(keys)
    for text in (b'{"version":9,' + manifest.written[1:], manifest.written[:-1] + b',"version":9}'):
        twice = decode_manifest(text)
        if twice.version == 9:
            with pytest.raises(BundleError, match="altered since"):
                Registry.of(keys).fetch(twice)
        else:
            assert Registry.of(keys).fetch(twice).weights
