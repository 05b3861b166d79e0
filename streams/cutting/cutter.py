"""Samples of one sensor to windows of one length, at one rate, a hop apart. Performs no I/O and reads no clock."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from encoders.modality import ModalitySpec
from streams.recent import RecentKeys

NS_PER_S = 1_000_000_000
# Periods of the modality's rate between two samples that a straight line still joins: three samples are missing then.
# Less would cut at every lost packet, and end a sensor of half the rate; more would draw lines where motion was.
MAX_GAP_PERIODS = 4.0
# A window that would start where one has started is refused by ingest as a duplicate.
REMEMBERED_STARTS = 4096
# Samples for each step of a window, beyond which times cannot be in ns.
MAX_OVERSAMPLING = 1000


class CutWindow(NamedTuple):
    """A window: `values` is `[T, C]` float32, `start_ns` the Unix time of its first step."""

    start_ns: int
    values: np.ndarray


class Phase:
    """When the windows of one node start: at the first time that is asked for, and whole hops before and after it.

    All cutters of a node share one, so that its modalities are cut at the same instants and meet in one sample.

    Raises:
        ValueError: If `hop_s` is not above 0.
    """

    __slots__ = ("_hop_ns", "_origin_ns")

    def __init__(self, hop_s: float) -> None:
        if not 0 < hop_s < float("inf"):
            raise ValueError(f"hop_s is {hop_s}, wanted above 0")
        self._hop_ns = max(1, round(hop_s * NS_PER_S))
        self._origin_ns: int | None = None

    def first_start(self, at_ns: int, slack_ns: int) -> int:
        """The first start that is at most `slack_ns` before `at_ns`."""
        if self._origin_ns is None:
            self._origin_ns = at_ns
        return at_ns - slack_ns + (self._origin_ns - at_ns + slack_ns) % self._hop_ns

    def after(self, start_ns: int) -> int:
        """The start that follows one."""
        return start_ns + self._hop_ns


class WindowCutter:
    """Windows of one sensor of one node, from samples that come when they come.

    - **Resampling** is linear, between the two samples around each step. A step before the first sample or after the
      last one has that sample's value if they are no more than a period apart. What lies above half the modality's rate
      must have been filtered out by the sender.
    - **Jitter** is absorbed: each sample counts at its own time. One that is not later than the one before it, by no
      more than a gap, is left out. A row with a value that is not finite counts as missing.
    - **Gaps** up to `max_gap_s` are joined by a straight line. At a longer one, and where the clock steps back by more
      than that, windows that are not complete are dropped; the next one starts in the node's phase, as all do.
    - No window starts where one of the last 4096 has: after a step back a time may come twice.

    Memory: the samples of one window and one push; of a window no more than 1000 a step.

    Args:
        spec: Of the modality.
        phase: When windows start; shared by all sensors of the node.
        max_gap_s: By default four periods of the modality's rate.

    Raises:
        ValueError: If `max_gap_s` is less than a period.
    """

    def __init__(self, spec: ModalitySpec, phase: Phase, max_gap_s: float | None = None) -> None:
        gap_s = MAX_GAP_PERIODS / spec.rate_hz if max_gap_s is None else max_gap_s
        if not 1 / spec.rate_hz <= gap_s < float("inf"):
            raise ValueError(f"max_gap_s is {max_gap_s}, wanted at least one period, {1 / spec.rate_hz:g} s")
        self._spec, self._phase = spec, phase
        self._period_ns = round(NS_PER_S / spec.rate_hz)
        self._gap_ns = round(gap_s * NS_PER_S)
        self._length_ns = round((spec.n_steps - 1) * NS_PER_S / spec.rate_hz)
        self._steps_ns = np.arange(spec.n_steps) * (NS_PER_S / spec.rate_hz)
        self._t = np.empty(0, np.int64)
        self._values = np.empty((0, spec.n_channels))
        self._last_ns: int | None = None
        self._next_ns = 0
        self._started: RecentKeys[int] = RecentKeys(REMEMBERED_STARTS)
        self.n_gaps = 0
        self.n_left_out = 0

    def push(self, t_ns: np.ndarray, values: np.ndarray) -> list[CutWindow]:
        """The windows that these samples complete, in the order of the samples.

        Args:
            t_ns: `[n]` int64, Unix times in ns.
            values: `[n, C]`.

        Raises:
            ValueError: If the shapes do not fit, or times are so close that they cannot be in ns.
        """
        if values.shape != (len(t_ns), self._spec.n_channels) or t_ns.ndim != 1:
            wanted = f"[n] and [n, {self._spec.n_channels}]"
            raise ValueError(f"{self._spec.name}: shapes are {t_ns.shape} and {values.shape}, wanted {wanted}")
        is_measured = np.isfinite(values).all(axis=1)
        self.n_left_out += int(len(t_ns) - is_measured.sum())
        cut: list[CutWindow] = []
        for t, rows in self._runs(t_ns[is_measured], values[is_measured]):
            if self._last_ns is not None and abs(int(t[0]) - self._last_ns) > self._gap_ns:
                self.n_gaps += 1
                cut += self.flush()
            cut += self._extend(t, rows)
        return cut

    def flush(self) -> list[CutWindow]:
        """The last window, if no more than its last step is missing. The next sample begins anew."""
        cut = list(self._complete(self._period_ns))
        self._t, self._values, self._last_ns = self._t[:0], self._values[:0], None
        return cut

    def _runs(self, t: np.ndarray, values: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Samples whose times rise, none further from the one before it than a gap, without those out of order."""
        latest_ns = self._last_ns
        while len(t):
            if latest_ns is None or latest_ns - t[0] > self._gap_ns:
                latest_ns = int(t[0]) - 1
            before = np.maximum.accumulate(np.concatenate([[latest_ns], t]))
            back = np.flatnonzero(before[:-1] - t > self._gap_ns)
            upto = int(back[0]) if len(back) else len(t)
            rises = t[:upto] > before[:upto]
            self.n_left_out += int(upto - rises.sum())
            risen, rows = t[:upto][rises], values[:upto][rises]
            breaks = np.flatnonzero(np.diff(risen) > self._gap_ns) + 1
            for run, run_rows in zip(np.split(risen, breaks), np.split(rows, breaks), strict=True):
                if len(run):
                    yield run, run_rows
            latest_ns = int(before[upto])
            t, values = t[upto:], values[upto:]

    def _extend(self, t: np.ndarray, values: np.ndarray) -> list[CutWindow]:
        if self._last_ns is None:
            self._next_ns = self._phase.first_start(int(t[0]), self._period_ns)
        self._t, self._values = np.concatenate([self._t, t]), np.concatenate([self._values, values])
        self._last_ns = int(t[-1])
        cut = list(self._complete(0))
        # The sample before the next start, too: a line leads from there.
        first = max(0, int(np.searchsorted(self._t, self._next_ns, side="right")) - 1)
        self._t, self._values = self._t[first:].copy(), self._values[first:].copy()
        if (n_kept := len(self._t)) > MAX_OVERSAMPLING * (self._spec.n_steps + 1):
            within_s = (self._last_ns - int(self._t[0])) / NS_PER_S
            self.flush()
            wanted = f"wanted some {self._spec.rate_hz:g} a second; is t in ns?"
            raise ValueError(f"{self._spec.name}: {n_kept} samples within {within_s:g} s, {wanted}")
        return cut

    def _complete(self, slack_ns: int) -> Iterator[CutWindow]:
        if self._last_ns is None:
            return
        while self._next_ns + self._length_ns <= self._last_ns + slack_ns:
            start_ns, self._next_ns = self._next_ns, self._phase.after(self._next_ns)
            if self._started.note(start_ns):
                yield CutWindow(start_ns, self._resampled(start_ns))

    def _resampled(self, start_ns: int) -> np.ndarray:
        # Relative to the start: as floats, times since 1970 are only exact to some hundred ns.
        known_ns = (self._t - start_ns).astype(np.float64)
        columns = [np.interp(self._steps_ns, known_ns, channel) for channel in self._values.T]
        return np.stack(columns, axis=1).astype(np.float32)
