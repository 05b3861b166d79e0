"""Whether memory stays flat while worker and trainer are both at work.

    python -m benchmarks.soak [--histories 10] [--samples 512] [--json FILE]

A synthetic fleet of eight nodes through the embedded broker, a worker and a trainer as processes, with buffers that a
history of so many samples fills. After each, once all of it is bound and trained on: the resident memory of both.
Nothing is judged by time. What a process needs once (libraries, thread pools, the allocator's spare room) is there
after the first history or two; after that, growth in proportion to the samples is a leak.
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.command_line import parser_of, write_json
from benchmarks.soak.services import Reading, Soak
from deploy.machine.brokers import EmbeddedBroker

BROKER_BYTES = 4 << 30


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line as read: how many histories, of how many samples, where the figures go."""
    parser = parser_of(__doc__)
    parser.add_argument("--histories", type=int, default=10)
    parser.add_argument("--samples", type=int, default=512, help="of one history, at least 128")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> None:
    """Prints a line a history and what memory gained after the first, writes the figures."""
    asked = arguments(given)
    readings: list[Reading] = []
    with tempfile.TemporaryDirectory(prefix="mmbind-soak-") as name:
        folder = Path(name)
        broker = EmbeddedBroker(folder / "broker.log", max_resident_bytes=BROKER_BYTES)
        broker.start()
        try:
            with Soak(folder, broker, asked.samples) as soak:
                print("history  seconds  worker MB  trainer MB  Bindings  cycles  version")
                for history in range(asked.histories):
                    readings.append(soak.run(history))
                    print(_line(readings[-1]), flush=True)
        finally:
            broker.stop()
    for service in ("worker", "trainer"):
        print(_growth(service, [getattr(one, f"{service}_mb") for one in readings]))
    if asked.json:
        write_json(readings, asked.json)


def _line(one: Reading) -> str:
    memory = f"{one.worker_mb:11.1f}{one.trainer_mb:12.1f}"
    return f"{one.history:7}{one.seconds:9.1f}{memory}{one.n_bindings:10}{one.n_cycles:8}{one.version:9}"


def _growth(service: str, memory_mb: Sequence[float]) -> str:
    first, last = memory_mb[0], memory_mb[-1]
    half = memory_mb[len(memory_mb) // 2]
    gain = f"{last - first:+.1f} MB after the first history ({100 * (last - first) / first:+.1f} %)"
    return f"{service}: {gain}, {last - half:+.1f} MB of them in the second half"
