"""What keeps good settings from being used here is found before anything starts, each in one sentence."""

import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deploy.machine.check import check_settings
from deploy.settings.config import ConfigError, Settings
from deploy.settings.obstacles import checkpoint_obstacles, obstacles, require_usable
from encoders.bundle import ModelBundle
from encoders.manifest import ModelManifest
from streams.broker.arguments import _IS_THERE
from streams.models.registry import Registry
from streams.testing import SyntheticWorld
from trainer.checkpoints.checkpoint import CheckpointFolder
from trainer.checkpoints.progress import Progress, save
from trainer.learner import Learner

SMALL = {"dim": 16, "width": 8}
LONG = {"n_channels": 3, "n_steps": 100_000, "rate_hz": 1000.0}
SASL = {"security_protocol": "SASL_SSL", "sasl_mechanism": "PLAIN", "sasl_plain_username": "u"}


def settings(folder: Path, **sections: dict[str, Any]) -> Settings:
    world = SyntheticWorld(2).settings().model_dump(include={"modalities", "shared_modality", "ingest"})
    ours = {"registry": {"root": str(folder / "models")}, "runtime": {"data_dir": str(folder / "data")}}
    for name, section in sections.items():
        ours[name] = ours.get(name, world.get(name, {})) | section
    return Settings.model_validate(world | {"trainer": SMALL} | ours)


def reshaped(folder: Path, **changes: object) -> Settings:
    """The settings with one modality changed."""
    modalities = settings(folder).model_dump()["modalities"]
    return settings(folder, modalities={"gravity": modalities["gravity"] | changes})


def publish(folder: Path) -> None:
    kept = settings(folder)
    specs = tuple(kept.specs.values())
    manifest = ModelManifest(
        version=7, parent=0, created_ns=1, modalities=specs, shared_modality=kept.shared_modality, dim=4
    )
    weights = {spec.name: {"w": np.zeros((2, 3), np.float32)} for spec in specs}
    Registry(kept.registry.root).publish(ModelBundle(manifest, weights))


def test_there_are_none_where_all_is_well_and_nothing_is_made(tmp_path: Path) -> None:
    require_usable(settings(tmp_path))
    assert list(checkpoint_obstacles(settings(tmp_path))) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("section", "changes", "said"),
    [
        ("runtime", {"device": "cuda:99"}, "runtime.device is 'cuda:99', wanted a device that torch has here: cpu"),
        ("runtime", {"device": "abacus"}, "runtime.device is 'abacus', wanted a device that torch has here: cpu"),
        (
            "runtime",
            {"data_dir": "/dev/null/data"},
            "runtime.data_dir is '/dev/null/data', wanted a folder that can be",
        ),
        ("runtime", {"metrics_host": "192.0.2.1"}, "runtime.metrics_host is '192.0.2.1', wanted an IPv4 address of"),
        ("registry", {"root": "/dev/null/models"}, "registry.root is '/dev/null/models', wanted a folder that can be"),
        ("registry", {"root": "nowhere://bucket"}, "registry.root is 'nowhere://bucket', wanted a folder or a URL"),
        (
            "registry",
            {"signing_key_file": "nowhere.pem"},
            "registry.signing_key_file is 'nowhere.pem', wanted a readable",
        ),
        (
            "registry",
            {"public_key_file": "nowhere.pem"},
            "registry.public_key_file is 'nowhere.pem', wanted a readable",
        ),
        ("topics", {"prefix": "a" * 240}, "topics.prefix has 240 characters, wanted at most 2"),
        ("modalities", {"gravity": LONG}, "topics.max_message_bytes is 1000000: a sample of all modalities takes"),
        ("broker", SASL, "broker.security_protocol is SASL_SSL: set broker.sasl_plain_password too"),
        ("broker", {"security_protocol": "SSL", "ssl_cafile": "none.pem"}, "broker.ssl_cafile is 'none.pem', wanted a"),
        (
            "broker",
            {"security_protocol": "SSL", "ssl_certfile": "none.pem"},
            "broker.ssl_certfile is 'none.pem', wanted a",
        ),
        ("ingest", {"keys_file": "none.toml"}, "ingest.keys_file is 'none.toml', wanted a readable file of keys"),
    ],
)
def test_each_is_one_sentence_with_setting_value_and_what_was_wanted(
    tmp_path: Path, section: str, changes: dict[str, Any], said: str
) -> None:
    (found,) = obstacles(settings(tmp_path, **{section: changes}))
    assert said in found
    assert "\n" not in found


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make a key with")
def test_a_codec_that_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(_IS_THERE, "zstd", lambda: False)
    found = list(obstacles(settings(tmp_path, broker={"compression": "zstd"})))
    assert found == ["broker.compression is 'zstd', which wants pip install 'mmbind-stream[codecs]'"]


def test_certificates_of_a_bridge_are_looked_at_where_settings_are_checked_only(tmp_path: Path) -> None:
    ours = settings(tmp_path, mqtt={"tls": True, "ssl_cafile": "no.pem"})
    assert list(obstacles(ours)) == []
    with pytest.raises(ConfigError, match=r"^mqtt.ssl_cafile is 'no.pem', wanted a PEM file of authorities: No such"):
        check_settings(ours)


def test_an_encrypted_key_is_refused_and_nobody_is_asked_for_its_password(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*make, "-subj", "/CN=x", "-passout", "pass:secret"], check=True, capture_output=True)
    tls = {"security_protocol": "SSL", "ssl_certfile": str(certificate), "ssl_keyfile": str(key)}
    (found,) = obstacles(settings(tmp_path, broker=tls))
    assert "the key is encrypted, wanted one without a password" in found


@pytest.mark.parametrize("changes", [{"n_steps": 32}, {"n_channels": 4}, {"rate_hz": 20.0}])
def test_a_window_that_changed_since_the_newest_bundle_is_named(tmp_path: Path, changes: dict[str, Any]) -> None:
    publish(tmp_path)
    require_usable(settings(tmp_path))
    changed = reshaped(tmp_path, **changes)
    with pytest.raises(ConfigError, match=r"^modalities\.gravity is \[.*\] at .* Hz, but version 7 in registry\.root"):
        require_usable(changed)
    require_usable(changed, trains=False)  # a worker keeps its generation, and says so


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"modalities": {"gravity": {"n_channels": 2, "n_steps": 64, "rate_hz": 12.8}}}, "checkpoint 1 does not fit"),
        ({"trainer": {**SMALL, "dim": 32}}, "checkpoint 1 does not fit the settings"),
    ],
)
def test_a_checkpoint_of_other_settings_is_named(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    kept = settings(tmp_path)
    learner = Learner(kept.specs, kept.shared_modality, kept.trainer)
    save(CheckpointFolder(tmp_path / "data" / "checkpoints"), learner, Progress(), 0)
    assert list(checkpoint_obstacles(kept)) == []
    (found,) = checkpoint_obstacles(settings(tmp_path, **change))
    assert found.startswith(f"runtime.data_dir is {str(tmp_path / 'data')!r}: ")
    assert said in found


def test_a_listener_on_the_host_is_none(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)):
        require_usable(settings(tmp_path))
