"""Whether a manifest comes from the trainer whose public key is known: Ed25519 (RFC 8032), over its canonical JSON.

The canonical JSON is what was written without the field `signature`, keys sorted, as msgspec writes it. It holds also
what only a later release knows, so that releases with more and with fewer fields know each other's signatures. Since
the version and every file's sha256 are in it, no signature fits another version or other files.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from encoders.bundle import BundleError
from encoders.manifest import ModelManifest
from streams.messages.signature import OTHERS, KeysError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SIGNATURE = re.compile(r"[0-9a-f]{128}")
HOW_TO_INSTALL = "signatures want the package cryptography: pip install 'mmbind-stream[signing]'"


def canonical(manifest: ModelManifest) -> bytes:
    """The bytes that are signed."""
    table: dict[str, Any] = msgspec.json.decode(manifest.written)
    table.pop("signature", None)
    return msgspec.json.encode(table, order="sorted")


class Signer:
    """Signs manifests with the trainer's private key."""

    def __init__(self, key: "Ed25519PrivateKey") -> None:
        self._key = key

    @classmethod
    def of(cls, file: str | None) -> "Signer | None":
        """That of the private key in a PEM file; without a file none.

        Raises:
            KeysError: If the file cannot be read or everybody can, or it holds no such key.
        """
        if file is None:
            return None
        told, path = f"registry.signing_key_file is {file!r}", Path(file)
        try:
            others = path.stat().st_mode & OTHERS
        except OSError as error:
            raise KeysError(
                f"{told}, wanted a readable PEM file of a private key: {error.strerror or error}"
            ) from error
        if others:
            raise KeysError(f"{told}, which everybody on this machine may use: wanted `chmod o= {file}`")
        return cls(_private_key(_read(path, told), told))

    def signed(self, manifest: ModelManifest) -> ModelManifest:
        """The manifest with its signature, 128 hexadecimal digits."""
        return msgspec.structs.replace(manifest, signature=self._key.sign(canonical(manifest)).hex())

    @property
    def verifier(self) -> "Verifier":
        """What knows this one's signatures."""
        return Verifier(self._key.public_key())


class Verifier:
    """Knows the manifests that the owner of a public key signed."""

    def __init__(self, key: "Ed25519PublicKey") -> None:
        self._key = key

    @classmethod
    def of(cls, file: str | None) -> "Verifier | None":
        """That of the public key in a PEM file; without a file none: then nothing need be signed.

        Raises:
            KeysError: If the file cannot be read, or holds no such key.
        """
        if file is None:
            return None
        told = f"registry.public_key_file is {file!r}"
        return cls(_public_key(_read(Path(file), told), told))

    def check(self, manifest: ModelManifest) -> None:
        """Returns if the manifest is as it was signed.

        Raises:
            BundleError: If it was not signed, or signed by somebody else, or altered afterwards.
        """
        from cryptography.exceptions import InvalidSignature

        told, wanted = f"the manifest of version {manifest.version}", "one that the owner of the public key signed"
        if not manifest.signature:
            raise BundleError(told, wanted, "one without a signature")
        if not SIGNATURE.fullmatch(manifest.signature):
            raise BundleError(told, "a signature of 128 hexadecimal digits", repr(manifest.signature[:140]))
        try:
            self._key.verify(bytes.fromhex(manifest.signature), canonical(manifest))
        except InvalidSignature as error:
            raise BundleError(told, wanted, "one that somebody else signed, or that was altered since") from error


def new_pair() -> tuple[bytes, bytes]:
    """A new key in PEM: its private half, and its public one.

    Raises:
        KeysError: If the package cryptography is not installed.
    """
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
    except ImportError as error:
        raise KeysError(HOW_TO_INSTALL) from error
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), public


def _read(path: Path, told: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise KeysError(f"{told}, wanted a readable PEM file of a key: {error.strerror or error}") from error


def _private_key(data: bytes, told: str) -> "Ed25519PrivateKey":
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError as error:
        raise KeysError(f"{told}, and {HOW_TO_INSTALL}") from error
    try:
        key = load_pem_private_key(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        # Not what the parser says: it may quote the key.
        raise KeysError(f"{told}, wanted an unencrypted ed25519 private key, as `mmbind models keygen` makes")
    return key


def _public_key(data: bytes, told: str) -> "Ed25519PublicKey":
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import load_pem_public_key
    except ImportError as error:
        raise KeysError(f"{told}, and {HOW_TO_INSTALL}") from error
    try:
        key = load_pem_public_key(data)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise KeysError(f"{told}, wanted an ed25519 public key, as `mmbind models keygen` makes beside the private one")
    return key
