"""Whose message it is, by its signature, and which files of keys are taken."""

import hashlib
import hmac
from pathlib import Path

import pytest

from streams.messages.message import Message
from streams.messages.rejects import Header, InvalidRecord
from streams.messages.signature import KeysError, Signatures, read_keys, signature

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
CHECKED = Signatures({"node-7": KEY, "node-8": OTHER})


def message(key: bytes | None, value: bytes | None, *headers: Header) -> Message:
    return Message("windows.acc", 0, 0, key, value, headers)


def signed(key: bytes, value: bytes, by: bytes = KEY) -> Header:
    return ("mmbind-signature", signature(by, key, value))


def keys_file(folder: Path, text: str, name: str = "keys.toml", mode: int = 0o600) -> str:
    file = folder / name
    file.write_text(text)
    file.chmod(mode)
    return str(file)


def test_a_signature_is_what_anybody_computes_from_the_description() -> None:
    # The definition of HMAC, RFC 2104, written out.
    block = KEY.ljust(64, b"\0")
    inner = hashlib.sha256(bytes(one ^ 0x36 for one in block) + b"node-7" + b"{}").digest()
    by_hand = hashlib.sha256(bytes(one ^ 0x5C for one in block) + inner).hexdigest().encode()
    assert signature(KEY, b"node-7", b"{}") == by_hand == hmac.new(KEY, b"node-7{}", "sha256").hexdigest().encode()


def test_what_its_source_signed_passes_and_all_passes_where_nothing_is_signed() -> None:
    CHECKED.check(message(b"node-7", b"x", signed(b"node-7", b"x")))
    Signatures(None).check(message(b"node-7", b"x"))
    Signatures.of(None).check(message(None, None))


@pytest.mark.parametrize(
    "forged",
    [
        message(b"node-7", b"x"),
        message(b"node-7", b"x", ("mmbind-signature", b"")),
        message(b"node-7", b"x", ("mmbind-signature", b"\xff\xfe")),
        message(b"node-7", b"y", signed(b"node-7", b"x")),
        message(b"node-7", b"x", signed(b"node-7", b"x", OTHER)),
        message(b"node-8", b"x", signed(b"node-7", b"x")),
        message(b"stranger", b"x", signed(b"stranger", b"x")),
        message(b"\xff", b"x", signed(b"\xff", b"x")),
        message(None, b"x", signed(b"", b"x")),
        message(b"node-7", None, signed(b"node-7", b"x")),
    ],
)
def test_all_else_is_refused_and_no_key_is_told(forged: Message) -> None:
    with pytest.raises(InvalidRecord) as caught:
        CHECKED.check(forged)
    assert caught.value.reason == "signature"
    told = caught.value.detail
    assert not [one for one in (KEY, OTHER) if one.hex() in told or repr(one) in told]
    assert signature(KEY, b"node-7", b"y").decode() not in told


def test_keys_are_read_from_toml_and_from_json(tmp_path: Path) -> None:
    toml = keys_file(tmp_path, f'"node.7" = "{KEY.hex()}"\nnode-8 = "{OTHER.hex().upper()}"\n')
    json = keys_file(tmp_path, f'{{"node.7": "{KEY.hex()}", "node-8": "{OTHER.hex()}"}}', "keys.json", 0o640)
    assert read_keys(toml) == read_keys(json) == {"node.7": KEY, "node-8": OTHER}


@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [
        (f'a = "{KEY.hex()}"', 0o644, "which everybody on this machine may use: wanted `chmod o= "),
        (f'a = "{KEY.hex()}"', 0o602, "which everybody on this machine may use"),
        ("", 0o600, "wanted at least one key"),
        (f'a = "{KEY.hex()}', 0o600, 'wanted lines of "source id" = "key"'),
        (f'a.b = "{KEY.hex()}"', 0o600, "source 'a' has no key, wanted 32 hexadecimal digits or more"),
        (f'a = "{KEY.hex()[:30]}"', 0o600, "source 'a' has no key"),
        (f'a = "secret{KEY.hex()}"', 0o600, "source 'a' has no key"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_and_no_key_of_it(tmp_path: Path, text: str, mode: int, said: str) -> None:
    file = keys_file(tmp_path, text, mode=mode)
    with pytest.raises(KeysError) as caught:
        read_keys(file)
    assert str(caught.value).startswith(f"ingest.keys_file is {file!r}")
    assert said in str(caught.value)
    assert KEY.hex()[:16] not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeysError, match=r"wanted a readable file of keys: .*No such file"):
        read_keys(str(tmp_path / "none.toml"))
