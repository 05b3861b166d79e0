"""Which followers try a version before all others do. Performs no I/O and reads no clock."""

import hashlib

from streams.models.channels import ChannelView
from streams.records import ChannelMove

# Whatever is on trial is what this channel points at; 0 where nothing is.
CANARY = "canary"
# The newest version that passed, whatever becomes of it.
CANDIDATE = "candidate"


def lot_of(follower_id: str, version: int) -> float:
    """At least 0, below 1: the same for a follower and a version wherever it is asked, and spread evenly."""
    digest = hashlib.sha256(f"{version}/{follower_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def trial(view: ChannelView, channel: str) -> ChannelMove | None:
    """The move that put a version on trial for the followers of this channel; None where nothing is tried."""
    moves = view.history(CANARY)
    last = moves[-1] if moves else None
    return last if last and last.version and last.rollout and last.rollout.channel == channel else None


def takes_part(move: ChannelMove, follower_id: str) -> bool:
    """Whether this follower tries the version."""
    return move.rollout is not None and lot_of(follower_id, move.version) < move.rollout.upto
