"""What the `models` topic says: versions, decisions and channels. A pure fold over its records, without I/O or clock.

Keys are `version/<n>`, `decision/<n>` and `channel/<name>/<seq>/<uuid>`; values are JSON. A move is a fact of its own,
so that two operators who move a channel at once do not overwrite each other: the first in the log wins.
"""

import re
import uuid
from dataclasses import dataclass

import msgspec

from encoders.manifest import ModelManifest, decode_manifest, schema_of
from encoders.modality import NAME_PATTERN
from encoders.schema import schema_complaint
from streams.records import ChannelMove, Decision, Rollout

# How far above all that came before a version may be: further, and whoever counts on from it would run out of numbers.
MAX_JUMP = 1_000_000
KEY = re.compile(rf"(version|decision)/(\d{{1,18}})|channel/({NAME_PATTERN})/(\d{{1,18}})/([0-9a-fA-F-]+)")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A record that changed nothing, and why."""

    key: str
    offset: int
    reason: str


class ChannelView:
    """The state of all models and channels after the records applied so far, in the order of their offsets."""

    def __init__(self) -> None:
        self.manifests: dict[int, ModelManifest] = {}
        self.decisions: dict[int, Decision] = {}
        self._moves: dict[str, list[ChannelMove]] = {}
        self._valid_keys: set[str] = set()
        self._highest_version = 0

    def apply(self, key: bytes | str, value: bytes | None, offset: int) -> Refusal | None:
        """Takes up one record; None, or the reason why it changes nothing.

        A value of None is a tombstone: it removes a version or a decision. A channel's move cannot be removed.
        """
        try:
            name = key if isinstance(key, str) else key.decode()
            found = KEY.fullmatch(name)
        except UnicodeDecodeError:
            name, found = repr(key), None
        if not found:
            return Refusal(name, offset, "the key is none of version/<n>, decision/<n>, channel/<name>/<seq>/<uuid>")
        kind, number, channel, seq, _ = found.groups()
        try:
            if value is not None and (complaint := schema_complaint(schema_of(value))):
                reason = complaint
            elif channel:
                reason = self._apply_move(name, channel, int(seq), value)
            elif kind == "version":
                reason = self._apply_version(int(number), value)
            else:
                reason = self._apply_decision(int(number), value)
        except (msgspec.MsgspecError, RecursionError) as error:
            reason = f"the value cannot be read: {error}"
        return Refusal(name, offset, reason) if reason else None

    def current(self, channel: str) -> int | None:
        """The version that the channel points at, None if it was never moved."""
        moves = self._moves.get(channel)
        return moves[-1].version if moves else None

    def history(self, channel: str) -> list[ChannelMove]:
        """The moves that counted, oldest first."""
        return list(self._moves.get(channel, ()))

    def pin(self, channel: str) -> ChannelMove | None:
        """The move that pinned the channel, None where it is not pinned."""
        moves = self._moves.get(channel, [])
        return moves[-1] if moves and moves[-1].pinned else None

    def before(self, channel: str) -> int | None:
        """The version to which a rollback leads: the one that the channel had before its present one.

        A move to a version that the channel had before takes back all that came after it. So rollbacks go further and
        further back, not to and fro. None where there is nothing before.
        """
        way: list[int] = []
        for move in self._moves.get(channel, ()):
            way = way[: way.index(move.version)] if move.version in way else way
            way.append(move.version)
        return way[-2] if len(way) > 1 else None

    @property
    def channels(self) -> dict[str, int]:
        """Each channel's version."""
        return {channel: moves[-1].version for channel, moves in sorted(self._moves.items())}

    @property
    def newest(self) -> ModelManifest | None:
        """The manifest with the highest version, None before the first one."""
        return self.manifests[max(self.manifests)] if self.manifests else None

    @property
    def next_version(self) -> int:
        """The lowest number above all that were ever named, removed ones included."""
        return self._highest_version + 1

    def counted(self, key: bytes | str) -> bool:
        """Whether the move with that key was applied and won."""
        return (key if isinstance(key, str) else key.decode()) in self._valid_keys

    def _apply_version(self, number: int, value: bytes | None) -> str:
        if complaint := self._raised_to(number):
            return complaint
        if value is None:
            self.manifests.pop(number, None)
            return ""
        manifest = decode_manifest(value)
        if manifest.version != number:
            return f"the key says version {number}, the manifest {manifest.version}"
        there = self.manifests.setdefault(number, manifest)
        if there.files != manifest.files:
            return f"version {number} exists already with other files, and versions never change"
        return ""

    def _apply_decision(self, number: int, value: bytes | None) -> str:
        if complaint := self._raised_to(number):
            return complaint
        if value is None:
            self.decisions.pop(number, None)
            return ""
        decision = msgspec.json.decode(value, type=Decision)
        if decision.version != number:
            return f"the key says version {number}, the decision {decision.version}"
        self.decisions[number] = decision
        return ""

    def _apply_move(self, key: str, channel: str, seq: int, value: bytes | None) -> str:
        if value is None:
            return "a move cannot be removed: move the channel again"
        move = msgspec.json.decode(value, type=ChannelMove)
        if (move.channel, move.seq) != (channel, seq):
            return f"the key says {channel!r} and seq {seq}, the move {move.channel!r} and {move.seq}"
        if key in self._valid_keys:
            return ""
        moves = self._moves.get(channel, [])
        current, last_seq = (moves[-1].version, moves[-1].seq) if moves else (0, 0)
        if move.seq != last_seq + 1:
            return f"seq is {move.seq}, wanted {last_seq + 1}: another move came first"
        if move.replaces != current:
            return f"it replaces version {move.replaces}, but {channel!r} is at {current}"
        if complaint := self._raised_to(move.version):
            return complaint
        self._moves.setdefault(channel, []).append(move)
        self._valid_keys.add(key)
        return ""

    def _raised_to(self, number: int) -> str:
        """Takes note of a version's number, or says why it is none to go on from."""
        if number > self._highest_version + MAX_JUMP:
            return f"version {number} is {MAX_JUMP} or more above {self._highest_version}, the highest before it"
        self._highest_version = max(self._highest_version, number)
        return ""


def version_record(manifest: ModelManifest) -> tuple[bytes, bytes]:
    """Key and value that announce a version; its files must be readable before."""
    return f"version/{manifest.version}".encode(), manifest.written


def decision_record(decision: Decision) -> tuple[bytes, bytes]:
    """Key and value of the gate's word on a version."""
    return f"decision/{decision.version}".encode(), msgspec.json.encode(decision)


def move_record(
    view: ChannelView,
    channel: str,
    version: int,
    reason: str,
    by: str,
    at_ns: int,
    unique: str | None = None,
    rollout: Rollout | None = None,
    pinned: bool = False,
) -> tuple[bytes, bytes]:
    """Key and value that point a channel at a version, valid if nobody moves it before: ask `view.counted(key)` later.

    Args:
        view: Up to date with the topic.
        version: 0 takes the learned encoders away: generation 0.
        by: Who moves it: a user or a service.
        unique: Ends the key; a random one without it.
        rollout: Has the version tried: see `rollout.trial`.
        pinned: From then on only people move the channel.

    Raises:
        ValueError: If the channel's name is none.
    """
    if not re.fullmatch(NAME_PATTERN, channel):
        raise ValueError(f"channel {channel!r}: wanted lower-case letters, digits and '-'")
    moves = view.history(channel)
    move = ChannelMove(
        channel=channel,
        seq=moves[-1].seq + 1 if moves else 1,
        version=version,
        replaces=moves[-1].version if moves else 0,
        reason=reason,
        by=by,
        at_ns=at_ns,
        rollout=rollout,
        pinned=pinned,
    )
    return f"channel/{channel}/{move.seq}/{unique or uuid.uuid4()}".encode(), msgspec.json.encode(move)
