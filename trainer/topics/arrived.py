"""A Binding as it lies in a message: who it is of is known, the rest is read when it is wanted. Performs no I/O."""

from dataclasses import dataclass

import msgspec

from streams.messages.checked import check_identity, checked_binding
from streams.messages.codec import decode
from streams.records import Binding


class BindingHead(msgspec.Struct, frozen=True, kw_only=True):
    """What says which Binding it is: the rest of its bytes is not looked at."""

    sample_id: str
    round: int


def checked_head(head: BindingHead) -> BindingHead:
    """The head, whose id is text and whose round is a count.

    Raises:
        InvalidRecord: If it is of no Binding.
    """
    check_identity(head.sample_id, head.round)
    return head


@dataclass(frozen=True, slots=True)
class ArrivedBinding:
    """A Binding, its message's place, and whether it is the message's last."""

    head: BindingHead
    raw: bytes
    partition: int
    offset: int
    is_last: bool

    @property
    def sample_id(self) -> str:
        """Of which sample it is."""
        return self.head.sample_id

    @property
    def round(self) -> int:
        """Which of the sample's Bindings it is."""
        return self.head.round

    def binding(self) -> Binding:
        """All of it.

        Raises:
            InvalidRecord: If it cannot be trained on.
        """
        return checked_binding(decode(self.raw, Binding))
