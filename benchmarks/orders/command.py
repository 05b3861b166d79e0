"""Pair precision of long streams in four orders, on arrival and after all later answers.

    python -m benchmarks.orders [--sets utd,watch,mhealth,mex] [--orders "shuffled,burst"] [--seeds 1] [--json FILE]

Samples go through the binder with the default settings and without a model; labels are looked at afterwards. UTD-MHAD
comes with six crops of each recording. HuGaDB, on which nothing was tuned, is taken only by `--sets hugadb`.
`final_over_arrival` is the least of all streams, `worst_order_over_shuffled` the least of all orders, each the mean
over the sets, `alone_after_burst` the number of samples without a partner of a node that uploads a third of the stream
at once.
"""

import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.command_line import add_sets, parser_of, some_of, write_json
from benchmarks.data_sets import UNSEEN, read_data_set
from benchmarks.default_settings import stream_settings
from benchmarks.orders.outcome import Outcome, follow
from benchmarks.orders.streams import BURST, ORDERS, SETS, in_time, samples_of

SHUFFLED = "shuffled"


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command."""
    parser = parser_of(__doc__)
    add_sets(parser, SETS, UNSEEN)
    parser.add_argument("--orders", type=some_of(ORDERS), default=list(ORDERS), help=f"of {', '.join(ORDERS)}")
    parser.add_argument("--seeds", type=int, default=1, help="draws of crops and orders")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="of the binding section")
    asked = parser.parse_args(arguments)
    found: dict[tuple[str, str, int], Outcome] = {}
    print(
        f"{'stream':32} {'arrival':>8} {'final':>8} {'bound':>12} {'alone':>6} {'estimate':>18} {'again':>6} {'s':>6}"
    )
    for name in asked.sets:
        settings = stream_settings(read_data_set(name), binding=dict(one.split("=", 1) for one in asked.set))
        for seed in range(asked.seeds):
            samples, _ = samples_of(name, seed)
            for order in asked.orders:
                started = time.perf_counter()
                stream = in_time(ORDERS[order](samples, np.random.default_rng([seed, 19])))
                found[name, order, seed] = outcome = follow(stream, settings)
                print(line_of(f"{name}, {order}", outcome, time.perf_counter() - started), flush=True)
    figures = named_figures(found)
    for key, value in figures.items():
        print(f"{key} {value:.3f}")
    if asked.json:
        rows = [
            {"set": name, "order": order, "seed": seed, **outcome.figures()}
            for (name, order, seed), outcome in found.items()
        ]
        write_json({**figures, "rows": rows}, asked.json)
        print(f"figures: {asked.json}", file=sys.stderr)


def line_of(name: str, one: Outcome, seconds: float) -> str:
    """A line of the table."""
    said = "-" if one.estimate is None else f"{one.estimate:.2f} [{one.low:.2f} {one.high:.2f}]"
    right = f"{100 * one.arrival:8.1f} {100 * one.final:8.1f}"
    bound = f"{100 * one.bound_on_arrival:5.0f} {100 * one.bound:6.1f} {one.alone_after_bound:6d}"
    return f"{name:32} {right} {bound} {said:>18} {one.bindings_a_sample:6.1f} {seconds:6.1f}"


def named_figures(found: dict[tuple[str, str, int], Outcome]) -> dict[str, Any]:
    """Those that stand at the top level of the JSON."""
    figures: dict[str, Any] = {"final_over_arrival": min(one.final_over_arrival for one in found.values())}
    finals: dict[str, list[float]] = {}
    for (_, order, _), outcome in found.items():
        finals.setdefault(order, []).append(outcome.final)
    others = [float(np.mean(values)) for order, values in finals.items() if order != SHUFFLED]
    if SHUFFLED in finals and others:
        figures["worst_order_over_shuffled"] = min(others) / float(np.mean(finals[SHUFFLED]))
    bursts = [outcome.alone_after_burst for (_, order, _), outcome in found.items() if order == BURST]
    if bursts:
        figures["alone_after_burst"] = float(sum(bursts))
    return figures
