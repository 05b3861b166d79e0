"""Where each microsecond of a window goes, from the bytes of its message to those of its Binding.

    python -m benchmarks.speed.parts [--history 10000] [--windows 8192] [--json FILE]

In one process, without a broker, one worker's two stages one after the other over real windows (overlapping ones of
linear acceleration), everything on, 64 windows at a time. What goes on beside that in other threads (rounds, graphs
that are built) is told apart, by its processor time. The bare parts are those of `benchmarks.speed.core`.
"""

import argparse
import time
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.command_line import parser_of, write_json
from benchmarks.speed.arms import BATCH, settings_of
from benchmarks.speed.inputs import messages
from benchmarks.speed.workload import SPEC, as_a_worker_does, first_encoder, overlapping_windows
from encoders.nets import EncoderFunction, encoder_weights
from streams.binding import MessageBinder
from streams.intake.messages import Ingest
from streams.messages.message import Message
from streams.messages.outbox import Outbox
from streams.messages.topic_names import TopicNames
from streams.records import SensorWindow
from streams.settings import BindingSettings, IndexSettings, StreamSettings
from streams.stopwatch import Stopwatch

# A history that was remembered was never asked again, which costs more once: as many windows as are held.
WARM = BindingSettings().held_windows
STAGES = {
    "intake": "windows: decode, check, scale, assemble",
    "samples": "samples: encode",
    "read": "samples: decode, check",
    "embed": "embed, descriptor and encoder",
    "search": "search and insert",
    "review": "rounds: begin and tell",
    "choose": "score, choose, the rest of binding",
    "bindings": "Bindings: encode",
    "beside": "beside it, in other threads: rounds and graphs",
}


class Stages:
    """Both stages of a worker, and how long each part took."""

    def __init__(self, settings: StreamSettings) -> None:
        self._watch, self._inner = Stopwatch(time.perf_counter), Stopwatch(time.perf_counter)
        self._names = TopicNames(settings.topics.prefix)
        self._topic = self._names.windows(SPEC.name)
        self._ingest, self._outbox = Ingest(settings, {(self._topic, 0): 0}), Outbox(settings.topics)
        self.binder = MessageBinder(settings, "w", self._inner)
        self._offset = 0

    def take(self, windows: Sequence[SensorWindow]) -> dict[str, float]:
        """Seconds of each part for these windows, in micro-batches."""
        parts: dict[str, float] = {}
        for start in range(0, len(windows), BATCH):
            for name, seconds in self._batch(windows[start : start + BATCH]).items():
                parts[name] = parts.get(name, 0.0) + seconds
        return parts

    def _batch(self, windows: Sequence[SensorWindow]) -> dict[str, float]:
        raw = [
            Message(self._topic, 0, self._offset + number, source.encode(), value)
            for number, (source, value) in enumerate(messages(windows, BATCH))
        ]
        self._offset += len(raw)
        with self._watch.timed("intake"):
            emissions = [self._ingest.accept(one, windows[-1].start_ns) for one in raw]
            for one in emissions:
                self._ingest.resolved(one)
        samples = [sample for one in emissions for sample in one.samples]
        with self._watch.timed("samples"):
            written = list(self._outbox.samples(samples))
        read = [Message(self._names.samples, 0, 0, one.key, one.value, one.headers) for one in written]
        all_s, own_s = time.process_time(), time.thread_time()
        with self._watch.timed("accept"):
            bound = self.binder.accept(read)
        with self._watch.timed("bindings"):
            list(self._outbox.bindings(bound.bindings))
        took, inner = self._watch.taken(), bound.seconds
        took["read"] = took.pop("accept") - inner.get("bind", 0.0)
        took |= {name: inner.get(name, 0.0) for name in ("embed", "search", "review")}
        took["choose"] = inner.get("bind", 0.0) - sum(took[name] for name in ("embed", "search", "review"))
        took["beside"] = (time.process_time() - all_s) - (time.thread_time() - own_s)
        return took


def measure(windows: Sequence[SensorWindow], history: int, n: int, warm: int = WARM) -> dict[str, float]:
    """Microseconds a window of each part, over the `n` windows after a history and so many more to warm up.

    Raises:
        ValueError: If there are fewer windows than that.
    """
    if len(windows) < history + warm + n:
        raise ValueError(f"{len(windows)} windows, wanted {history} + {warm} + {n}")
    stages = Stages(settings_of(IndexSettings(history_samples=history), BindingSettings()))
    stages.take(windows[:history])
    stages.binder.binder.use(1, {SPEC.name: EncoderFunction(SPEC, encoder_weights(first_encoder(SPEC)))})
    stages.take(windows[history : history + warm])
    found = stages.take(windows[history + warm : history + warm + n])
    return {name: 1e6 * found[name] / n for name in STAGES}


def table(us: dict[str, float], title: str) -> Table:
    """A row for each part, and the sum of those that come one after the other."""
    shown = Table(title=title)
    shown.add_column("part")
    shown.add_column("us/window", justify="right")
    shown.add_column("share", justify="right")
    whole = sum(us.values()) - us["beside"]
    for name, text in STAGES.items():
        if name == "beside":
            shown.add_row("one after the other", f"{whole:.0f}", "100%", end_section=True)
        shown.add_row(text, f"{us[name]:.0f}", f"{us[name] / whole:.0%}")
    return shown


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line as read: how long the history is, and how much is timed after it."""
    parser = parser_of(__doc__)
    parser.add_argument("--history", type=int, default=10_000)
    parser.add_argument("--windows", type=int, default=8192)
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> None:
    """Takes all windows once, prints the table, writes the figures."""
    asked = arguments(given)
    as_a_worker_does()
    us = measure(overlapping_windows(), asked.history, asked.windows)
    Console().print(table(us, f"{asked.history:,} samples of history, 64 windows at a time"))
    if asked.json:
        figures: dict[str, Any] = {"history": asked.history, "us_per_window": us}
        write_json(figures, asked.json)


if __name__ == "__main__":
    main()
