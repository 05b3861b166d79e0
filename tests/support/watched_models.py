"""The topic of models in memory, for who publishes to it."""

from collections.abc import Callable

from trainer.topics.models import MemoryModels


class WatchedModels(MemoryModels):
    """Remembers `keys`, without a move's random end; `fail_at` names the how-manieth append that is refused, once."""

    def __init__(self, fail_at: int = 0) -> None:
        super().__init__()
        self.keys: list[str] = []
        self._fail_at = fail_at
        self.before_append: Callable[[], None] = lambda: None

    def append(self, record: tuple[bytes, bytes]) -> None:
        if self._fail_at:
            self._fail_at -= 1
            if not self._fail_at:
                raise ConnectionError("the broker is away")
        self.before_append()
        self.keys.append(record[0].decode().rpartition("/")[0] if b"channel" in record[0] else record[0].decode())
        super().append(record)
