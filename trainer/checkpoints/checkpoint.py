"""Everything that training needs to go on, as one atomic folder a checkpoint. Touches no network and reads no clock."""

import hashlib
import json
import logging
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from encoders.errors import UsageError
from encoders.schema import SCHEMA, schema_complaint
from trainer.checkpoints.durable import sync_folder, write_files
from trainer.replay.buffer import Identity, ReplayEntry

log = logging.getLogger(__name__)

WEIGHTS, EDGES, STATE = "weights.safetensors", "edges.msgpack", "state.json"
ADMISSIONS, SUMS = "admissions.jsonl", "SHA256SUMS"


class CheckpointError(UsageError):
    """A checkpoint cannot be used; the message names folder and file, what was wanted and what was found."""


class CheckpointTooNew(CheckpointError):  # noqa: N818 - it says what is so
    """A later release wrote the checkpoint: to go on from one before it would undo what that release did."""


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """What is saved: arrays, facts that JSON holds exactly, edges, and the Bindings admitted since the parent.

    `number` is 0 until it is saved, `parent` is 0 for the first of a lineage.
    """

    arrays: Mapping[str, np.ndarray]
    facts: Mapping[str, Any]
    edges: tuple[ReplayEntry, ...]
    admissions: tuple[Identity, ...]
    parent: int = 0
    number: int = 0


class Past(NamedTuple):
    """What is kept of a checkpoint as long as its lineage is: facts, and the Bindings admitted since its parent."""

    number: int
    parent: int
    facts: Mapping[str, Any]
    admissions: list[Identity]


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    number: int
    parent: int
    n_admissions: int
    facts: dict[str, Any]
    schema: str = SCHEMA


class CheckpointFolder:
    """Checkpoints below `root`, one folder each, named by its number; older ones keep their admissions only.

    Args:
        root: Is made when the first one is saved.
        kept: How many of the newest can be resumed from.
        remembered: Older ones stay until the lineage holds this many admissions without them.
    """

    def __init__(self, root: Path, kept: int = 3, remembered: int = 200_000) -> None:
        self.root, self._kept, self._remembered = root, kept, remembered

    def save(self, checkpoint: Checkpoint) -> Checkpoint:
        """Writes the checkpoint whole or not at all, and thins out older ones; the checkpoint with its number.

        Raises:
            OSError: If it cannot be written, for instance because the disk is full; nothing is changed then.
        """
        saved = replace(checkpoint, number=max([checkpoint.parent, *_numbers(self.root)]) + 1)
        self.root.mkdir(parents=True, exist_ok=True)
        fresh = self.root / f".{saved.number}.part"
        shutil.rmtree(fresh, ignore_errors=True)
        try:
            fresh.mkdir()
            write_files(fresh, _files(saved))
            fresh.rename(self.root / str(saved.number))
        except OSError:
            shutil.rmtree(fresh, ignore_errors=True)
            raise
        sync_folder(self.root)
        self._thin_out()
        return saved

    def latest(self) -> Checkpoint | None:
        """The newest checkpoint that is whole, or None if there never was one.

        A damaged one is named in the log and the one before it is taken: what it had done is done again.

        Raises:
            CheckpointError: If there are checkpoints and none of them is whole.
            CheckpointTooNew: If the newest whole one has a schema that cannot be read here.
        """
        damages = []
        for number in sorted(_numbers(self.root), reverse=True):
            try:
                return load_checkpoint(self.root / str(number))
            except CheckpointTooNew:
                raise
            except CheckpointError as error:
                damages.append(str(error))
                log.error("a checkpoint cannot be used, trying the one before it: %s", error)
        if damages:
            raise CheckpointError(f"none of the checkpoints in {self.root} is whole: {damages[0]}")
        return None

    def admitted(self, number: int) -> list[Identity]:
        """The Bindings admitted in the lineage that ends with this checkpoint, oldest first, as far as it is kept."""
        return [one for past in self.history(number) for one in past.admissions]

    def history(self, number: int) -> list[Past]:
        """Each checkpoint of that lineage, the oldest first."""
        states = reversed([*_lineage(self.root, number)])
        return [Past(one.number, one.parent, one.facts, _admissions(self.root / str(one.number))) for one in states]

    @property
    def newest(self) -> int:
        """The highest number, whole or not; 0 where there is none."""
        return max(_numbers(self.root), default=0)

    def _thin_out(self) -> None:
        newest = sorted(_numbers(self.root), reverse=True)
        in_lineage, n_admissions = set(newest[: self._kept]), 0
        for state in _lineage(self.root, newest[0]):
            if n_admissions < self._remembered:
                in_lineage.add(state.number)
            n_admissions += state.n_admissions
        for number in newest[self._kept :]:
            folder = self.root / str(number)
            if number not in in_lineage:
                shutil.rmtree(folder, ignore_errors=True)
                continue
            # The sums go first: without them the rest cannot be taken for a checkpoint to resume from.
            for name in (SUMS, WEIGHTS, EDGES):
                (folder / name).unlink(missing_ok=True)


def load_checkpoint(folder: Path) -> Checkpoint:
    """A saved checkpoint, every file compared with its sum before anything is returned.

    Raises:
        CheckpointError: If a file is missing or damaged.
        CheckpointTooNew: If it has a schema that cannot be read here.
    """
    wanted = _sums(folder)
    contents: dict[str, bytes] = {}
    for name in (WEIGHTS, EDGES, STATE, ADMISSIONS):
        try:
            contents[name] = (folder / name).read_bytes()
        except OSError as error:
            raise CheckpointError(f"{folder / name}: wanted a readable file, got {error}") from error
        got = hashlib.sha256(contents[name]).hexdigest()
        if got != wanted.get(name):
            raise CheckpointError(f"{folder / name}: wanted sha256 {wanted.get(name)}, got {got}")
    try:
        state = _parse_state(contents[STATE])
        if complaint := schema_complaint(state.schema):
            raise CheckpointTooNew(
                f"{folder}: {complaint}; or move the checkpoints away, to train anew from the log with this release"
            )
        edges = msgspec.msgpack.decode(contents[EDGES], type=tuple[ReplayEntry, ...])
        arrays: dict[str, np.ndarray] = load(contents[WEIGHTS])
    except (msgspec.MsgspecError, SafetensorError, ValueError, TypeError) as error:
        raise CheckpointError(f"{folder}: wanted a checkpoint of this version, got {error}") from error
    admissions = tuple(_parse_admissions(contents[ADMISSIONS]))
    return Checkpoint(arrays, state.facts, edges, admissions, state.parent, state.number)


def admitted_twice(root: Path) -> int:
    """How many admissions of the last checkpoint's lineage repeat one: 0 unless something is wrong."""
    numbers = _numbers(root)
    if not numbers:
        return 0
    seen = Counter(CheckpointFolder(root).admitted(max(numbers)))
    return seen.total() - len(seen)


def _numbers(root: Path) -> list[int]:
    return [int(folder.name) for folder in root.glob("*") if folder.name.isdecimal()]


def _lineage(root: Path, number: int) -> Iterator[_State]:
    """The states from this checkpoint back to the oldest that is there."""
    while number and (root / str(number) / STATE).exists():
        state = _parse_state((root / str(number) / STATE).read_bytes())
        yield state
        number = state.parent


def _parse_state(data: bytes) -> _State:
    # Not msgspec: random states are integers of 128 bits. What a later minor added is left aside.
    return _State(**{name: value for name, value in json.loads(data).items() if name in _State.__annotations__})


def _admissions(folder: Path) -> list[Identity]:
    return _parse_admissions((folder / ADMISSIONS).read_bytes())


def _parse_admissions(lines: bytes) -> list[Identity]:
    return [msgspec.json.decode(line, type=Identity) for line in lines.splitlines()]


def _files(checkpoint: Checkpoint) -> dict[str, bytes]:
    state = _State(
        number=checkpoint.number,
        parent=checkpoint.parent,
        n_admissions=len(checkpoint.admissions),
        facts=dict(checkpoint.facts),
    )
    # Not ascontiguousarray: it makes one dimension of none.
    arrays = {name: np.asarray(value, order="C") for name, value in checkpoint.arrays.items()}
    files = {
        WEIGHTS: save(arrays),
        EDGES: msgspec.msgpack.encode(checkpoint.edges),
        STATE: json.dumps(asdict(state), indent=1).encode(),
        ADMISSIONS: b"".join(msgspec.json.encode(identity) + b"\n" for identity in checkpoint.admissions),
    }
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in files.items())
    return files | {SUMS: sums.encode()}


def _sums(folder: Path) -> dict[str, str]:
    try:
        lines = (folder / SUMS).read_text().splitlines()
        return {name: digest for digest, name in (line.split(maxsplit=1) for line in lines)}
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{folder / SUMS}: wanted a sum for each file, got {error}") from error
