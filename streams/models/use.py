"""How one version does in a process that embeds with it: calls, errors, seconds, and whether its embeddings differ."""

import threading
import time
import zlib
from collections import deque
from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Float

from streams.records import VersionUse

# Embeddings that are looked at: the latest ones, and so many of a call at most. When all places are taken, of one call
# in so many seconds only: then they reach back a minute at least, in which a sensor sees more than one thing.
KEPT_ROWS = 256
ROWS_A_CALL = 4
EVERY_S = 1.0
# With fewer nothing is said: of so few rows chance alone makes two versions look alike.
LEAST_ROWS = 32


class RecentRows:
    """Embeddings of the latest unlike windows, by one version or side by side by several. For many threads.

    A window that is there already, bit for bit, is not taken again.

    Args:
        now_s: A clock that never goes back.
    """

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s, self._next_s = now_s, float("-inf")
        self._rows: deque[tuple[int, tuple[np.ndarray, ...]]] = deque(maxlen=KEPT_ROWS)
        self._lock = threading.Lock()

    def add(self, windows: Mapping[str, np.ndarray], *embeddings: np.ndarray) -> None:
        """Takes a few rows, evenly spread over the call.

        Args:
            windows: `[N, T, C]` by modality.
            embeddings: `[N, dim]` of these windows, by each version.
        """
        with self._lock:
            if len(self._rows) == KEPT_ROWS and self._now_s() < self._next_s:
                return
            self._next_s = self._now_s() + EVERY_S
            n_rows = len(embeddings[0])
            known = {key for key, _ in self._rows}
            for row in np.linspace(0, n_rows - 1, min(n_rows, ROWS_A_CALL)).astype(int):
                key = 0
                for name in sorted(windows):
                    key = zlib.crc32(windows[name][row].tobytes(), key)
                if key not in known:
                    known.add(key)
                    self._rows.append((key, tuple(np.array(one[row], np.float64) for one in embeddings)))

    def matrices(self) -> tuple[Float[np.ndarray, "n dim"], ...]:
        """The rows by each version; nothing where there are fewer than `LEAST_ROWS`."""
        with self._lock:
            rows = [embedded for _, embedded in self._rows]
        return tuple(np.stack(column) for column in zip(*rows, strict=True)) if len(rows) >= LEAST_ROWS else ()


class Use:
    """Counts what a version does, from many threads.

    Args:
        version: Its number.
        since_ns: When it was taken up, Unix time.
        now_s: A clock that never goes back.
    """

    def __init__(self, version: int, since_ns: int, now_s: Callable[[], float] = time.monotonic) -> None:
        self._version, self._since_ns = version, since_ns
        self._calls = self._errors = 0
        self._embed_s = 0.0
        self._recent = RecentRows(now_s)
        self._lock = threading.Lock()

    def add(self, seconds: float, windows: Mapping[str, np.ndarray], rows: Float[np.ndarray, "n dim"] | None) -> None:
        """One call that took so long; `rows` is None where it failed."""
        with self._lock:
            self._calls += 1
            self._errors += rows is None
            self._embed_s += seconds
        if rows is not None:
            self._recent.add(windows, rows)

    def told(self) -> VersionUse:
        """All that was counted so far."""
        found = self._recent.matrices()
        with self._lock:
            return VersionUse(
                version=self._version,
                since_ns=self._since_ns,
                calls=self._calls,
                errors=self._errors,
                embed_s=self._embed_s,
                mean_cosine=mean_cosine(found[0]) if found else None,
            )


def mean_cosine(rows: Float[np.ndarray, "n dim"]) -> float:
    """Of all pairs of two of these unit rows, at least two."""
    n_rows = len(rows)
    total = rows.sum(axis=0)
    return float((total @ total - np.square(rows).sum()) / (n_rows * (n_rows - 1)))


def linear_cka(ours: Float[np.ndarray, "n dim"], theirs: Float[np.ndarray, "n other"]) -> float:
    """How alike two embeddings of the same windows are about what is like what, 0 to 1 (arXiv 1905.00414, eq. 4).

    Turned or mirrored spaces are the same, and numbers of columns may differ. 0 where one of them gives the same for
    all windows.
    """
    first, second = (rows - rows.mean(axis=0) for rows in (ours, theirs))
    scale = float(np.linalg.norm(first.T @ first) * np.linalg.norm(second.T @ second))
    if scale < np.finfo(np.float32).eps ** 2:  # of unit rows: what is left is rounding
        return 0.0
    return float(np.linalg.norm(second.T @ first) ** 2 / scale)
