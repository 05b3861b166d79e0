"""Whether a message comes from the node that it names: HMAC-SHA256, keyed by source, over its key and its value.

The signature is the header `mmbind-signature`, 64 lower-case hexadecimal digits of
`hmac.new(signing_key, key + value, "sha256")`, over the bytes as they are sent.
"""

import hmac
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from encoders.errors import UsageError
from streams.messages.message import Message
from streams.messages.rejects import InvalidRecord
from streams.messages.text import utf8

SIGNATURE_HEADER = "mmbind-signature"
MIN_KEY_BYTES = 16
OTHERS = 0o007  # what everybody may do with a file


class KeysError(UsageError):
    """The file of signing keys cannot be used; the message says why, and holds no key."""


def signature(signing_key: bytes, key: bytes, value: bytes) -> bytes:
    """What the header of a message with this key and value holds."""
    return hmac.new(signing_key, key + value, "sha256").hexdigest().encode()


class Signatures:
    """Checks messages of windows by the keys of their sources; without keys, passes them all.

    Args:
        keys: Signing key by source id; None where nothing is signed.
    """

    def __init__(self, keys: Mapping[str, bytes] | None) -> None:
        self._keys = None if keys is None else {source_id.encode(): one for source_id, one in keys.items()}

    @classmethod
    def of(cls, keys_file: str | None) -> "Signatures":
        """Those of the keys in a file, see `read_keys`; without a file none."""
        return cls(None if keys_file is None else read_keys(keys_file))

    def check(self, message: Message) -> None:
        """Returns if the message was signed by the source that its key names.

        Raises:
            InvalidRecord: If it was not, or that source has no signing key.
        """
        if self._keys is None:
            return
        key = message.key or b""
        signing_key = self._keys.get(key)
        if signing_key is None:
            raise InvalidRecord("signature", "key", key.decode(errors="replace"), "a source in ingest.keys_file")
        given = next((value for name, value in message.headers if name.lower() == SIGNATURE_HEADER), None)
        if given is None:
            raise InvalidRecord("signature", SIGNATURE_HEADER, "no such header", "the source's signature")
        if not hmac.compare_digest(given, signature(signing_key, key, message.value or b"")):
            raise InvalidRecord("signature", SIGNATURE_HEADER, "another signature", "the source's own, of these bytes")


def read_keys(keys_file: str) -> dict[str, bytes]:
    """Signing keys by source id, from `"source id" = "hexadecimal key"` lines of TOML, or one such object of JSON.

    Raises:
        KeysError: If the file cannot be read or everybody can, or an entry is no key of MIN_KEY_BYTES or more.
    """
    path, told = Path(keys_file), f"ingest.keys_file is {keys_file!r}"
    try:
        others = path.stat().st_mode & OTHERS
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise KeysError(f"{told}, wanted a readable file of keys: {why}") from error
    if others:
        raise KeysError(f"{told}, which everybody on this machine may use: wanted `chmod o= {keys_file}`")
    try:
        table: Any = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except ValueError:
        # Not what the parser says: it may quote a key.
        raise KeysError(f'{told}, wanted lines of "source id" = "key" in TOML, or one object in JSON') from None
    if not isinstance(table, dict) or not table:
        raise KeysError(f"{told}, wanted at least one key, by source id")
    return {source_id: _key(source_id, digits, told) for source_id, digits in table.items()}


def _key(source_id: str, digits: object, told: str) -> bytes:
    try:
        key = bytes.fromhex(digits) if isinstance(digits, str) and utf8(source_id) else b""
    except ValueError:
        key = b""
    if len(key) < MIN_KEY_BYTES:
        raise KeysError(
            f"{told}: source {source_id!r} has no key, wanted {2 * MIN_KEY_BYTES} hexadecimal digits or more"
        )
    return key
