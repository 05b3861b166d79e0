"""Windows of one source in a batch stand apart in time. Performs no I/O and reads no clock."""

from collections.abc import Callable

from streams.records import Sample

NS_PER_S = 1_000_000_000
# Draws that may be refused, for standing too close to another window of the batch, before one is taken all the same.
SPACING_TRIES = 8


class Spacing:
    """Keeps the windows of one source in a batch apart, as far as a few more draws can do it."""

    def __init__(self, spacing_s: float) -> None:
        self._spacing_ns = spacing_s * NS_PER_S
        self._starts: dict[str, list[int]] = {}

    def choose(self, draw: Callable[[], Sample | None]) -> Sample | None:
        """The first draw that stands far enough from those chosen before, else the last."""
        sample = draw()
        for _ in range(SPACING_TRIES - 1):
            if sample is None or self._stands_apart(sample):
                break
            sample = draw()
        if sample is not None:
            self._starts.setdefault(sample.source_id, []).append(sample.start_ns)
        return sample

    def _stands_apart(self, sample: Sample) -> bool:
        starts = self._starts.get(sample.source_id, ())
        return all(abs(start - sample.start_ns) >= self._spacing_ns for start in starts)
