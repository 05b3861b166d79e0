"""Why a record is refused, and what then goes to `rejects`. Performs no I/O."""

import hashlib
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from encoders.errors import MmbindError

Header: TypeAlias = tuple[str, bytes]
Reason: TypeAlias = Literal[
    "undecodable",
    "unknown-modality",
    "shape",
    "not-finite",
    "empty",
    "source-id",
    "key",
    "time",
    "duplicate",
    "too-large",
    "signature",
    "forgotten",
    "unreadable",
    "crashed-the-service",
    "schema",
]

HEADER_PREFIX = "mmbind.reject."
KEPT_BYTES = 4096  # of a value, and of a key, too long even for `rejects`
OVERHEAD_BYTES = 10_000  # key and headers of a reject are shorter than that


class InvalidRecord(MmbindError):  # noqa: N818 - it names the record, which is what is wrong
    """A record that cannot be used: counted by `reason`, sent to rejects with `reason`, `field` and `detail`."""

    def __init__(self, reason: Reason, field: str = "", got: object = None, want: object = None) -> None:
        self.reason: Reason = reason
        self.field = field
        self.got = got
        self.want = want
        super().__init__(self.detail)

    @property
    def detail(self) -> str:
        """What was wrong, in words, at most some 300 characters."""
        wanted = "" if self.want is None else f", wanted {str(self.want)[:150]}"
        return f"{self.field or 'record'}: {self.reason}: {str(self.got)[:120]}{wanted}"


@dataclass(frozen=True, slots=True, eq=False)
class Reject:
    """One message for `rejects`: the refused record as it came, its message's key, and why in the headers."""

    key: bytes | None
    value: bytes
    headers: tuple[Header, ...]
    reason: Reason

    def fitted(self, max_bytes: int) -> "Reject":
        """This, or its `digest` if it is longer than a message in `rejects` may be."""
        length = len(self.value) + len(self.key or b"") + sum(len(name) + len(value) for name, value in self.headers)
        return self if length + OVERHEAD_BYTES <= max_bytes else self.digest()

    def digest(self) -> "Reject":
        """The start of the value, with size and sha256 of the whole in the headers."""
        whole = (
            (f"{HEADER_PREFIX}size_bytes", b"%d" % len(self.value)),
            (f"{HEADER_PREFIX}sha256", hashlib.sha256(self.value).hexdigest().encode()),
        )
        ours = tuple(header for header in self.headers if header[0].startswith(HEADER_PREFIX))
        key = None if self.key is None else self.key[:KEPT_BYTES]
        return replace(self, key=key, value=self.value[:KEPT_BYTES], headers=ours + whole)


def reject_headers(
    topic: str, partition: int, offset: int, index: int, reason: str, field: str, detail: str
) -> tuple[Header, ...]:
    """Where a refused record came from and why it was refused; `index` is its place in its message."""
    told = {
        "topic": topic,
        "partition": partition,
        "offset": offset,
        "index": index,
        "reason": reason,
        "field": field,
        "detail": detail,
    }
    return tuple((f"{HEADER_PREFIX}{name}", str(value).encode(errors="replace")) for name, value in told.items())
