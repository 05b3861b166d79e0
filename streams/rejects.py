"""Why a record is refused, and what then goes to `rejects`. Performs no I/O."""

from typing import Literal, TypeAlias

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
]


class InvalidRecord(Exception):  # noqa: N818 - it names the record, which is what is wrong
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
