"""The topic of models in memory, for who publishes to it."""

import itertools
from collections.abc import Callable

from streams.models.channels import ChannelView


class MemoryModels:
    """The topic; `fail_at` names the how-manieth append that is refused, once."""

    def __init__(self, fail_at: int = 0) -> None:
        self.view = ChannelView()
        self.keys: list[str] = []
        self._offsets = itertools.count()
        self._fail_at = fail_at
        self.before_append: Callable[[], None] = lambda: None

    def refresh(self) -> ChannelView:
        return self.view

    def append(self, record: tuple[bytes, bytes]) -> None:
        if self._fail_at:
            self._fail_at -= 1
            if not self._fail_at:
                raise ConnectionError("the broker is away")
        self.before_append()
        self.keys.append(record[0].decode().rpartition("/")[0] if b"channel" in record[0] else record[0].decode())
        self.view.apply(*record, next(self._offsets))
