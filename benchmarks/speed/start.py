"""How long a worker that starts takes until it binds, with a history to read back.

    python -m benchmarks.speed.start [--history 20000] [--json FILE]

The broker is Apache Kafka where KAFKA_HOME is set, else the embedded one. A worker binds so many real windows
(overlapping ones of linear acceleration) and is stopped; then one is started on the same topics, with the same model,
and timed: until it says how long reading back took, and until the Binding of a window that is sent then is counted.
"""

import argparse
import re
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.command_line import parser_of, write_json
from benchmarks.speed.processes import WORKER, broker_in, n_out, prepared, process, send, wait
from benchmarks.speed.workload import SPEC, overlapping_windows
from deploy.machine.brokers import Broker
from streams.records import SensorWindow

READ_BACK = re.compile(r"(\d+) samples of history read back in ([\d.]+) s")


def measure(broker: Broker, windows: Sequence[SensorWindow], folder: Path) -> dict[str, float]:
    """Samples that were read back, and seconds from the start of the process.

    Args:
        broker: Is running.
        windows: The last one is sent once the worker has started again, the others before.
        folder: For settings, models and logs.
    """
    settings = prepared("start", broker, SPEC, folder)
    send(settings, windows[:-1], 32)
    one = process(WORKER, settings, broker, folder / "start")
    one.start()
    try:
        wait(one, lambda: n_out(WORKER, settings) >= len(windows) - 1)
    finally:
        one.stop()
    start_s = time.perf_counter()
    one.start()
    try:
        wait(one, lambda: READ_BACK.search(one.log_tail(100)) is not None)
        ready_s = time.perf_counter() - start_s
        send(settings, windows[-1:], 1)
        wait(one, lambda: n_out(WORKER, settings) >= 1)
        first_s = time.perf_counter() - start_s
        told = read_back_in(one.log_tail(100))
    finally:
        one.stop()
    return {"samples": told[0], "read_back_s": told[1], "ready_s": ready_s, "first_binding_s": first_s}


def read_back_in(log: str) -> tuple[int, float]:
    """How many samples a worker read back, and the seconds that it took, as its log says.

    Raises:
        ValueError: If it does not say.
    """
    found = READ_BACK.search(log)
    if found is None:
        raise ValueError(f"wanted a line of history that was read back, got {log!r}")
    return int(found[1]), float(found[2])


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line as read: how long the history is."""
    parser = parser_of(__doc__)
    parser.add_argument("--history", type=int, default=20_000)
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> None:
    """Binds, starts again, says how long that took, writes the figures."""
    asked = arguments(given)
    windows = overlapping_windows()[: asked.history + 1]
    with tempfile.TemporaryDirectory() as name, broker_in(Path(name)) as broker:
        figures: dict[str, Any] = {"broker": broker.name, **measure(broker, windows, Path(name))}
    Console().print(
        f"{figures['broker']}: {figures['samples']:,} samples read back in {figures['read_back_s']:.1f} s; ready "
        f"{figures['ready_s']:.1f} s after the process was started, the first Binding after "
        f"{figures['first_binding_s']:.1f} s"
    )
    if asked.json:
        write_json(figures, asked.json)


if __name__ == "__main__":
    main()
