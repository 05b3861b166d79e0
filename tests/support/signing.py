"""Keys of a trainer, and versions that it signed."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from encoders.manifest import ModelManifest
from streams.models.registry import Registry
from streams.registry_settings import RegistrySettings
from tests.support.models import bundle


def write_private(path: Path, key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> str:
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(0o600)
    return str(path)


def made_keys(folder: Path) -> RegistrySettings:
    """A registry in the folder, and both halves of a key."""
    key = Ed25519PrivateKey.generate()
    public = folder / "models.pub.pem"
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return RegistrySettings(
        root=str(folder / "models"),
        signing_key_file=write_private(folder / "models.pem", key),
        public_key_file=str(public),
    )


def signed(keys: RegistrySettings, version: int = 1) -> ModelManifest:
    return Registry.of(keys, publishes=True).publish(bundle(version))
