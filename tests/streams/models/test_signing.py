"""Whose manifests are taken: those that the owner of the key signed, as they were signed."""

import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from encoders.bundle import BundleError
from encoders.manifest import LogRange, ModelManifest, decode_manifest
from streams.follower import ModelFollower
from streams.messages.signature import KeysError
from streams.models.channels import ChannelView, move_record, version_record
from streams.models.log import MemoryModelLog
from streams.models.registry import Registry
from streams.models.signing import Signer, Verifier
from streams.registry_settings import RegistrySettings
from tests.support.models import SPECS, bundle
from tests.support.signing import made_keys, signed, write_private
from tests.support.waiting import wait_until

# Of each field another value; a field that is new must be added, so that none is left out of the signature.
OTHER: dict[str, object] = {
    "version": 2,
    "parent": 5,
    "created_ns": 2,
    "modalities": SPECS[:1],
    "shared_modality": "gyroscope",
    "dim": 9,
    "files": (),
    "code_version": "x",
    "settings": {"batch_pairs": 1},
    "seed": 3,
    "evaluation": {"retrieval/gravity->gyroscope/cmap": 1},
    "missing_evidence": ("none",),
    "trained_on": (LogRange(topic="pairs", partition=0, first=0, end=1),),
    "trained_sources": ("a",),
    "lineage": "b",
    "bridge": msgspec.structs.replace,  # stands for one of the manifest's own files
    "schema": "another",
}


@pytest.fixture
def keys(tmp_path: Path) -> RegistrySettings:
    return made_keys(tmp_path)


def test_what_was_signed_is_fetched_by_who_knows_the_public_key(keys: RegistrySettings) -> None:
    manifest = signed(keys)
    assert len(manifest.signature) == 128
    travelled = decode_manifest(manifest.written)
    assert set(Registry.of(keys).fetch(travelled).weights) == {"gravity", "gyroscope"}


def test_who_only_follows_needs_no_private_key(keys: RegistrySettings) -> None:
    manifest = signed(keys)
    Path(keys.signing_key_file or "").unlink()
    assert Registry.of(keys).fetch(manifest).weights


def test_without_a_public_key_nothing_need_be_signed(keys: RegistrySettings) -> None:
    plain = Registry(keys.root).publish(bundle(1))
    assert plain.signature == ""
    assert Registry(keys.root).fetch(plain).weights
    with pytest.raises(
        BundleError, match=r"^the manifest of version 1: wanted one that .* signed, got one without a sig"
    ):
        Registry.of(keys).fetch(plain)


@pytest.mark.parametrize(
    "field", [one.name for one in msgspec.structs.fields(ModelManifest) if one.name != "signature"]
)
def test_no_field_can_be_altered(keys: RegistrySettings, field: str) -> None:
    manifest = signed(keys)
    value = manifest.files[0] if field == "bridge" else OTHER[field]
    altered = msgspec.structs.replace(manifest, **{field: value})
    with pytest.raises(BundleError, match="somebody else signed, or that was altered since"):
        Verifier.of(keys.public_key_file).check(altered)  # type: ignore[union-attr]


def test_an_old_manifest_is_none_of_a_new_version(keys: RegistrySettings) -> None:
    old, new = signed(keys, 1), signed(keys, 2)
    for replayed in (
        msgspec.structs.replace(old, version=2),
        msgspec.structs.replace(new, files=old.files),
        msgspec.structs.replace(new, signature=old.signature),
    ):
        with pytest.raises(BundleError, match=r"version 2: .*altered since"):
            Registry.of(keys).fetch(replayed)


@pytest.mark.parametrize("given", ["x", "00" * 64, "0" * 127, "0x" + "0" * 126])
def test_what_is_no_signature_is_none(keys: RegistrySettings, given: str) -> None:
    with pytest.raises(BundleError, match="version 1"):
        Registry.of(keys).fetch(msgspec.structs.replace(signed(keys), signature=given))


def test_another_ones_signature_is_none(keys: RegistrySettings, tmp_path: Path) -> None:
    other = Signer.of(write_private(tmp_path / "other.pem", Ed25519PrivateKey.generate()))
    with pytest.raises(BundleError, match="somebody else signed"):
        Registry.of(keys).fetch(other.signed(signed(keys)))  # type: ignore[union-attr]


def test_nothing_is_read_before_the_signature_is_found_right(keys: RegistrySettings) -> None:
    manifest = msgspec.structs.replace(signed(keys), seed=1)
    shutil.rmtree(keys.root)
    with pytest.raises(BundleError, match="altered since"):
        Registry.of(keys).fetch(manifest)


def test_what_lies_there_unsigned_is_signed_when_it_is_published_again(keys: RegistrySettings) -> None:
    Registry(keys.root).publish(bundle(1))
    assert signed(keys).signature
    assert signed(keys) == signed(keys)
    newest = Registry(keys.root).newest()
    assert newest is not None and Registry.of(keys).fetch(newest).weights


def test_a_follower_refuses_counts_and_stays(keys: RegistrySettings) -> None:
    log, view = MemoryModelLog(), ChannelView()

    def announce(manifest: ModelManifest) -> None:
        for record in (version_record(manifest), move_record(view, "stable", manifest.version, "better", "test", 1)):
            view.apply(*record, 0)
            log.append(*record)

    announce(signed(keys, 1))
    with ModelFollower(root=keys.root, models=log, public_key=keys.public_key_file) as follower:
        assert follower.wait_for(1, timeout_s=30)
        announce(Registry(keys.root).publish(bundle(2)))
        wait_until(lambda: follower.failures == 1, 30)
        assert follower.version == 1
        assert follower.watch.last_error.count("\n") == 0 and "without a signature" in follower.watch.last_error
        announce(signed(keys, 3))
        assert follower.wait_for(3, timeout_s=30)


def test_a_private_key_that_everybody_may_read_is_refused(keys: RegistrySettings) -> None:
    Path(keys.signing_key_file or "").chmod(0o644)
    with pytest.raises(KeysError, match=r"registry\.signing_key_file is .*everybody.*chmod o= "):
        Registry.of(keys, publishes=True)


def test_what_is_no_such_key_is_told_without_its_contents(keys: RegistrySettings, tmp_path: Path) -> None:
    write_private(tmp_path / "curve.pem", ec.generate_private_key(ec.SECP256R1()))
    for name, text in (("nonsense.pem", "secret-text"), ("empty.pem", "")):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o600)
    for name in ("curve.pem", "nonsense.pem", "empty.pem", "models.pub.pem", "nowhere.pem"):
        if name == "models.pub.pem":
            (tmp_path / name).chmod(0o600)
        with pytest.raises(KeysError, match=r"registry\.signing_key_file is") as told:
            Signer.of(str(tmp_path / name))
        assert "secret-text" not in str(told.value)
        if name != "models.pub.pem":
            with pytest.raises(KeysError, match=r"registry\.public_key_file is"):
                Verifier.of(str(tmp_path / name))


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make a key with")
def test_openssl_makes_such_keys(tmp_path: Path) -> None:
    """The lines of deploy/docs/rights.md."""
    text = (Path(__file__).parents[3] / "deploy/docs/rights.md").read_text()
    lines = "\n".join(line for line in text.splitlines() if line.startswith(("(umask", "openssl ")))
    subprocess.run(["sh", "-ec", lines], cwd=tmp_path, check=True, capture_output=True)
    private, public = str(tmp_path / "models.pem"), str(tmp_path / "models.pub.pem")
    registry = Registry.of(
        RegistrySettings(root=str(tmp_path / "models"), signing_key_file=private, public_key_file=public),
        publishes=True,
    )
    assert registry.fetch(registry.publish(bundle(1))).weights
