"""One row a fault: what its runs came to."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

from tests.chaos.verdict import Verdict

COLUMNS = ("fault", "broker", "runs", "strikes", "windows", "lost", "duplicated", "split", "trained twice")
RECOVERIES = ("binding", "training")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A fault's name, where it was played, with which seed, how often it struck, and the verdict."""

    fault: str
    broker: str
    seed: int
    n_strikes: int
    n_kills: int
    wall_s: float
    verdict: Verdict


def table_of(runs: Sequence[Run]) -> Table:
    """Counts are sums over a fault's runs; seconds the median and the longest of all strikes."""
    table = Table(*COLUMNS, "s to bind again", "s to train again", "good")
    for fault, broker in dict.fromkeys((run.fault, run.broker) for run in runs):
        mine = [run for run in runs if (run.fault, run.broker) == (fault, broker)]
        verdicts = [run.verdict for run in mine]
        sums = [sum(getattr(one.counts, name) for one in verdicts) for name in ("lost", "duplicated", "split")]
        moments = sum(one.counts.moments for one in verdicts)
        table.add_row(
            *(fault, broker, str(len(mine)), str(sum(run.n_strikes for run in mine))),
            str(sum(one.counts.sent - one.counts.excused for one in verdicts)),
            *(str(sums[0]), str(sums[1]), f"{sums[2]} of {moments}"),
            str(sum(one.trained_twice for one in verdicts)),
            *(_seconds([s for one in verdicts for s in one.recoveries_s.get(name, [])]) for name in RECOVERIES),
            f"{sum(not one.faults for one in verdicts)} of {len(mine)}",
        )
    return table


def _seconds(found: Sequence[float]) -> str:
    return f"{statistics.median(found):.1f}, at most {max(found):.1f}" if found else "never"
