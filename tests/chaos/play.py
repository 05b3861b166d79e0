"""Plays faults: one run each, on a stage and a cluster of its own."""

import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

from tests.chaos.brokers import Kind, cluster_of
from tests.chaos.fault import Fault
from tests.chaos.stage import Stage
from tests.chaos.verdict import Verdict, judge
from tests.chaos.world import PlayedWorld

CALM_S = 4.0


def play(
    faults: Sequence[Fault],
    kind: Kind,
    world: PlayedWorld,
    folder: Path,
    *,
    seed: int,
    slot_s: float,
    n_strikes: int | None = None,
) -> Verdict:
    """One run: all strikes of these faults one after the other at seeded moments, then the verdict.

    Args:
        faults: Each is played as often as it says, or `n_strikes` times.
        kind: Of the cluster, which is started for this run.
        world: What the sensors measure.
        folder: For logs, models and checkpoints; the brokers' data go when the run is over.
        seed: Of the moments.
        slot_s: How often every node sends its windows.
        n_strikes: Of every fault.
    """
    random = Random("/".join([*(one.name for one in faults), str(seed)]))
    cluster = cluster_of(kind, folder / "broker")
    try:
        cluster.start()
        n_workers, grace_s = max(one.n_workers for one in faults), max(one.grace_s for one in faults)
        with Stage(cluster, world, folder, "chaos.", random, slot_s, n_workers, grace_s) as stage:
            if stage.warm_up():
                for fault in faults:
                    for _ in range(n_strikes or fault.n_strikes):
                        _strike(fault, stage)
            stage.settle()
            stage.end()
            return judge(stage, {one.cuts for one in faults if one.cuts})
    finally:
        cluster.stop()
        shutil.rmtree(folder / "broker", ignore_errors=True)


def _strike(fault: Fault, stage: Stage) -> None:
    stage.pause(0, CALM_S)
    began_s = time.monotonic()
    stage.recover(began_s, fault.strike(stage))
    while stage.afterwards:
        stage.afterwards.pop()()
