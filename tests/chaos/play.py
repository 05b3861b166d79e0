"""Plays faults: one run each on a stage of its own, on a cluster that is started when it is first wanted."""

import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

from tests.chaos.brokers import Cluster, Kind, cluster_of
from tests.chaos.fault import Fault
from tests.chaos.stage import Stage
from tests.chaos.verdict import Verdict, judge
from tests.chaos.world import PlayedWorld

CALM_S = 4.0


class Theatre:
    """Clusters and folders of many runs; a context manager that leaves no process behind."""

    def __init__(self, world: PlayedWorld, folder: Path, slot_s: float) -> None:
        self._world, self._folder, self._slot_s = world, folder, slot_s
        self._cluster: Cluster | None = None
        self._n_runs = 0

    def __enter__(self) -> "Theatre":
        return self

    def __exit__(self, *exception: object) -> None:
        if self._cluster:
            self._cluster.stop()

    def play(self, faults: Sequence[Fault], kind: Kind, seed: int, n_strikes: int | None = None) -> Verdict:
        """One run: all strikes of these faults one after the other at seeded moments, then the verdict."""
        self._n_runs += 1
        name = f"{self._n_runs:02d}-{'-'.join(type(one).__name__.lower() for one in faults)}"
        stage = Stage(
            self._at(kind),
            self._world,
            self._folder / name,
            f"{name}.",
            Random(f"{name}/{seed}"),
            self._slot_s,
            max(one.n_workers for one in faults),
        )
        with stage:
            if stage.warm_up():
                for fault in faults:
                    for _ in range(n_strikes or fault.n_strikes):
                        stage.pause(0, CALM_S)
                        began_s = time.monotonic()
                        stage.recover(began_s, fault.strike(stage))
                        while stage.afterwards:
                            stage.afterwards.pop()()
            stage.settle()
            stage.end()
            return judge(stage, {one.cuts for one in faults if one.cuts})

    def _at(self, kind: Kind) -> Cluster:
        if self._cluster is None or self._cluster.kind != kind:
            if self._cluster:
                self._cluster.stop()
            self._cluster = cluster_of(kind, self._folder / f"broker-{self._n_runs:02d}")
            self._cluster.start()
        return self._cluster
