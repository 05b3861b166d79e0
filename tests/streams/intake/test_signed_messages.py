"""Where nodes sign, a forged message is refused and leaves no trace in what becomes of the true ones."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
import pytest

from streams.intake.messages import Emission, Ingest
from streams.messages.codec import encode
from streams.messages.message import Message
from streams.messages.signature import KeysError, signature
from streams.records import SensorWindow
from streams.testing import SyntheticWorld

WORLD = SyntheticWorld(n_sources=3, n_complete=1, seed=3)
KEYS = {source: bytes([place]) * 32 for place, source in enumerate(WORLD.sources, 1)}
FORGER = b"f" * 32


def ingest(folder: Path, mode: int = 0o600) -> Ingest:
    file = folder / "keys.toml"
    file.write_text("".join(f'"{source}" = "{key.hex()}"\n' for source, key in KEYS.items()))
    file.chmod(mode)
    settings = WORLD.settings()
    return Ingest(settings.model_copy(update={"ingest": settings.ingest.model_copy(update={"keys_file": str(file)})}))


def message(window: SensorWindow, offset: int, signing_key: bytes | None) -> Message:
    key, value = window.source_id.encode(), encode(window)
    headers = () if signing_key is None else (("mmbind-signature", signature(signing_key, key, value)),)
    return Message(f"mmbind.windows.{window.modality}", 0, offset, key, value, headers)


def forgeries(window: SensorWindow) -> Iterator[tuple[SensorWindow, bytes | None]]:
    """What would be taken for the true window, shift its source's scaling, and hurry its time."""
    wild = msgspec.structs.replace(window, values=1e6 * window.values)
    yield wild, None
    yield wild, FORGER
    yield msgspec.structs.replace(wild, start_ns=window.start_ns + 3 * WORLD.hop_ns), FORGER


def emitted(one: Ingest, messages: Iterable[tuple[SensorWindow, bytes | None]]) -> Emission:
    """All that comes of messages and of the time after them."""
    emissions, now_ns = [], 0
    for offset, (window, signing_key) in enumerate(messages):
        now_ns = max(now_ns, window.start_ns)
        emissions.append(one.accept(message(window, offset, signing_key), now_ns))
    emissions.append(one.tick(now_ns + 10 * WORLD.hop_ns))
    return Emission.joined(emissions)


def test_a_forged_message_changes_nothing_of_what_becomes_of_the_true_ones(tmp_path: Path) -> None:
    true = [(window, KEYS[window.source_id]) for window in WORLD.windows(12)]
    mixed = [one for window, key in true for one in (*forgeries(window), (window, key))]
    alone, among = emitted(ingest(tmp_path), true), emitted(ingest(tmp_path), mixed)
    assert [encode(sample) for sample in among.samples] == [encode(sample) for sample in alone.samples]
    assert len(alone.samples) > 30 and not alone.rejects
    assert len(among.rejects) == 3 * len(true)
    assert {reject.reason for reject in among.rejects} == {"signature"}
    assert among.rejects[0].value == encode(next(forgeries(true[0][0]))[0])
    assert among.n_strayed == 0


def test_a_forged_message_is_acknowledged_once_its_reject_is_written(tmp_path: Path) -> None:
    one = ingest(tmp_path)
    emission = one.accept(message(WORLD.window(0, 0, WORLD.shared), 5, FORGER), 0)
    assert one.resolved(emission) == {(f"mmbind.windows.{WORLD.shared}", 0): [5]}
    assert one.n_open == 0


def test_keys_that_everybody_may_read_are_not_used(tmp_path: Path) -> None:
    with pytest.raises(KeysError, match="everybody"):
        ingest(tmp_path, mode=0o644)
