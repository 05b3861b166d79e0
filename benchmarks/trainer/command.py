"""Does the trainer keep up, whatever waits, and what does a step cost?

    python -m benchmarks.trainer [--bindings 100000] [--rounds 4] [--threads "1,2"] [--steps 25] [--json FILE]

1. A step of the trainer (a batch drawn, varied, softened, and one move of the encoders) next to a bare one: the same
encoders, batch, loss and optimiser on tensors that lie there ready. Windows are those of the demo.
2. A step on 30 modalities next to one on 3, with as many windows a batch.
3. The most bytes of windows that a replay buffer holds while four times its limit comes.
4. Batches a second of two processes that train together (`trainer.processes`), and of one with two threads, next to
those of one process. What two learn next to one in the same number of batches: `python -m benchmarks.learning
--together`.
5. A trainer with default settings finds a backlog of Bindings, so many rounds for each sample, on Apache Kafka where
KAFKA_HOME is set, else on the embedded broker: Bindings admitted in a second while it trains; those left when 2,000 a
second would have worked off all; steps meanwhile, and in 12 s afterwards, when nothing comes.
6. Seconds that a version costs at publishing, with 512 held-out samples: to judge it, to fit the bridge from its
parent, to write its files, to save a checkpoint.

1. is done for each number of threads, 5. with the first; the figures at the top are those with the first.
"""

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.command_line import parser_of, some_of, write_json
from benchmarks.speed.processes import broker_in
from benchmarks.trainer.backlog import ROUND_AFTER, measure
from benchmarks.trainer.processes import processes_over_one
from benchmarks.trainer.publishing import publishing_cost
from benchmarks.trainer.steps import cost_of_many, replay_memory, step_over_bare

THREADS = ("1", "2")
REPLAY_BYTES = 16 << 20


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line as read: how much waits, and how many steps are timed."""
    parser = parser_of(__doc__)
    parser.add_argument("--bindings", type=int, default=100_000, help="that wait; 0 leaves this out")
    parser.add_argument("--rounds", type=int, default=4, choices=range(1, len(ROUND_AFTER) + 1), help="of each sample")
    parser.add_argument("--threads", type=some_of(THREADS), default=list(THREADS), help="of torch")
    parser.add_argument("--steps", type=int, default=25, help="timed of each kind")
    return parser.parse_args(given)


def figures_of(asked: argparse.Namespace) -> dict[str, Any]:
    """All that was asked for, the named figures at the top."""
    by_threads: dict[str, dict[str, Any]] = {}
    for threads in asked.threads:
        by_threads[threads] = {"step": step_over_bare(asked.steps, int(threads))}
        if asked.bindings and threads == asked.threads[0]:
            with tempfile.TemporaryDirectory() as name, broker_in(Path(name)) as broker:
                backlog = measure(broker, Path(name), asked.bindings, asked.rounds, int(threads))
            by_threads[threads]["backlog"] = backlog | {"broker": broker.name}
    many, memory = cost_of_many(asked.steps), replay_memory(REPLAY_BYTES)
    together = processes_over_one(asked.steps)
    publishing = publishing_cost(max(1, asked.steps // 5))
    first = by_threads[asked.threads[0]]
    return {
        "admitted_per_s": first.get("backlog", {}).get("admitted_per_s"),
        "lag_after_backlog": first.get("backlog", {}).get("lag_after_backlog"),
        "step_over_bare": first["step"]["step_over_bare"],
        "cost_30_modalities_over_3": many["ratio"],
        "replay_bytes_over_limit": memory["most_bytes"] / memory["limit_bytes"],
        "two_processes_over_one": together["two_processes_over_one"],
        "fit_over_judge": publishing["fit_over_judge"],
        "together": together,
        "publishing": publishing,
        "modalities": many,
        "replay": memory,
        "threads": by_threads,
    }


def told(figures: Mapping[str, Any]) -> str:
    """The figures in lines."""
    lines = []
    for threads, found in figures["threads"].items():
        step = found["step"]
        lines.append(
            f"{threads} thread(s): a step {step['step_ms']:.0f} ms, a bare one {step['bare_ms']:.0f} ms: "
            f"{step['step_over_bare']:.2f} times as fast (aim 0.85)"
        )
        if backlog := found.get("backlog"):
            lines.append(
                f"  {backlog['broker']}: {backlog['bindings']:,} Bindings of {backlog['samples']:,} samples, "
                f"{backlog['admitted_per_s']:,.0f} admitted a second (aim 2,000; "
                f"{backlog['admitted_per_cpu_s']:,.0f} a second of CPU) beside {backlog['steps_per_s']:.1f} steps; "
                f"{backlog['lag_after_backlog']:,} left when all should be done; "
                f"{backlog['steps_while_idle']} steps while nothing came"
            )
    lines.append(f"30 modalities cost {figures['cost_30_modalities_over_3']:.1f} times what 3 do (aim 3)")
    lines.append(f"replay holds {figures['replay_bytes_over_limit']:.2f} of the bytes that it may, at most")
    together = figures["together"]
    lines.append(
        f"two processes take {together['two_processes_over_one']:.2f} times as many batches a second as one (aim 1.6), "
        f"one with two threads {together['two_threads_over_one']:.2f} times"
    )
    cost = figures["publishing"]
    lines.append(
        f"a version is judged in {cost['judge_s']:.2f} s, its bridge fitted in {cost['fit_s']:.2f} s "
        f"({figures['fit_over_judge']:.2f} times as long), its files written in {cost['publish_s']:.2f} s, "
        f"a checkpoint saved in {cost['checkpoint_s']:.2f} s"
    )
    return "\n".join(lines)


def main(given: Sequence[str] | None = None) -> None:
    """Measures, says it, writes the figures."""
    asked = arguments(given)
    figures = figures_of(asked)
    Console().print(told(figures))
    if asked.json:
        write_json(figures, asked.json)
