"""What is read of samples and Bindings for a picture: not their values. Performs no I/O."""

import msgspec

from streams.records import Outcome


class SampleHead(msgspec.Struct, frozen=True, kw_only=True):
    """A sample without its values, which stay as they came."""

    source_id: str
    start_ns: int
    windows: dict[str, msgspec.Raw]
    held_out: bool = False


class BindingHead(msgspec.Struct, frozen=True, kw_only=True):
    """A Binding with its partners as they came."""

    round: int
    outcome: Outcome
    partners: tuple[msgspec.Raw, ...] = ()
