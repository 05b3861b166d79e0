"""`make chaos`: kills, stops, cuts and fills, and counts afterwards what was lost. See `catalogue` for what is played.

    python -m tests.chaos                        the long form: every fault on every broker that there is
    python -m tests.chaos --short                as in CI: at most two minutes
    python -m tests.chaos --only worker --runs 5 --seed 7

Apache Kafka is used where KAFKA_HOME names it; without it only faults that the embedded broker survives are played.
Exits with 1 if a run was not good.
"""

import argparse
import json
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from kafka.errors import KafkaError
from rich.console import Console

from encoders.errors import MmbindError
from streams.broker.connection import calm_client_logs
from tests.chaos.brokers import Kind, kinds_here
from tests.chaos.catalogue import FAULTS, SHORT
from tests.chaos.fault import Fault
from tests.chaos.play import play
from tests.chaos.table import Run, table_of
from tests.chaos.world import PlayedWorld, played_world

EXIT_ENDED = 143

console = Console(width=200)


def main() -> int:
    """Plays what was asked for; 0 if every run was good."""
    asked = _arguments()
    # So that whatever ends it, nothing that it has started stays.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(EXIT_ENDED))
    calm_client_logs()
    world, runs, broken = played_world(), [], []
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="mmbind-chaos-"))
    results = folder / "chaos.json"
    console.print(f"windows of {world.name}; logs in {folder}, results in {results}")
    for number, (faults, kind, seed) in enumerate(_plan(asked), 1):
        name = "; ".join(one.name for one in faults)
        console.print(f"{number}. {name} ({kind}, seed {seed}) ...")
        try:
            runs.append(_played(faults, kind, seed, world, folder / f"{number:02d}", asked))
        except (MmbindError, KafkaError, AssertionError) as error:  # the harness's own trouble must not end it
            broken.append(f"{number}. {name} ({kind}): {type(error).__name__}: {error}")
            console.print(f"  BROKEN OFF: {broken[-1]}", markup=False)
        told = {"windows of": world.name, "runs": [asdict(one) for one in runs], "broken off": broken}
        results.write_text(json.dumps(told, indent=1))
    console.print(table_of(runs))
    console.print(f"{sum(run.n_kills for run in runs)} kills; results in {results}")
    return int(bool(broken) or any(run.verdict.faults for run in runs))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.chaos", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--short", action="store_true", help="one run of three faults, one strike each")
    parser.add_argument("--only", action="append", default=[], help="faults whose name contains this; repeatable")
    parser.add_argument("--broker", action="append", choices=kinds_here(), help="only on this kind; repeatable")
    parser.add_argument("--runs", type=int, default=1, help="of every fault on every broker, each with its own seed")
    parser.add_argument("--strikes", type=int, help="in a run; each fault's own number without it")
    parser.add_argument("--seed", type=int, default=0, help="of the moments; the first run's")
    parser.add_argument("--slot-s", type=float, default=0.8, help="how often every node sends its windows")
    parser.add_argument("--folder", type=Path, help="for logs, brokers' data and chaos.json; a new one without it")
    return parser.parse_args()


def _plan(asked: argparse.Namespace) -> Iterator[tuple[Sequence[Fault], Kind, int]]:
    """Which faults in one run, where, and with which seed."""
    if asked.short:
        yield SHORT, (asked.broker or ["embedded"])[0], asked.seed
        return
    chosen = [one for one in FAULTS if not asked.only or any(text in one.name for text in asked.only)]
    for kind in kinds_here():
        for fault in chosen if kind in (asked.broker or kinds_here()) else ():
            for number in range(asked.runs if kind in fault.kinds else 0):
                yield [fault], kind, asked.seed + number


def _played(
    faults: Sequence[Fault], kind: Kind, seed: int, world: PlayedWorld, folder: Path, asked: argparse.Namespace
) -> Run:
    name, began_s = "; ".join(one.name for one in faults), time.monotonic()
    n_strikes = 1 if asked.short else asked.strikes
    verdict = play(faults, kind, world, folder, seed=seed, slot_s=asked.slot_s, n_strikes=n_strikes)
    strikes = [(n_strikes or one.n_strikes, one.n_kills) for one in faults]
    wall_s = round(time.monotonic() - began_s, 1)
    for line in verdict.faults:
        console.print(f"  NOT GOOD: {line}", markup=False)
    for line in verdict.notes:
        console.print(f"  {line}", markup=False)
    recoveries = {key: [round(s, 1) for s in found] for key, found in verdict.recoveries_s.items()}
    console.print(f"  {verdict.counts.sent} windows, {wall_s} s; back after {recoveries}", markup=False)
    return Run(
        fault=name,
        broker=kind,
        seed=seed,
        n_strikes=sum(n for n, _ in strikes),
        n_kills=sum(n * kills for n, kills in strikes),
        wall_s=wall_s,
        verdict=verdict,
    )


if __name__ == "__main__":
    sys.exit(main())
