"""A node of the broker is killed (SIGKILL) and comes back with its data."""

import time

from tests.chaos.brokers import Kind
from tests.chaos.fault import Fault
from tests.chaos.stage import Stage

SHORTEST_S, LONGEST_S = 3.0, 10.0
# A partition takes no window until it has a new leader, and its companions in other partitions must be waited for so
# long: in 3 kills 109 of 2,750 natural pairs came apart with a grace of 1 s, 1 of 4,140 with this one.
ELECTION_S = 10.0


class BrokerKill(Fault):
    """The only node, or a seeded one of three."""

    n_kills = 1

    def __init__(self, kind: Kind) -> None:
        self.name = f"kill -9 of the broker, {'one of three' if kind == 'three nodes' else 'one of one'}"
        self.kinds = (kind,)
        if kind == "three nodes":
            self.grace_s = ELECTION_S

    def strike(self, stage: Stage) -> float:
        """Keeps it down for a few seconds."""
        number = stage.random.randrange(len(stage.cluster.nodes))
        stage.cluster.kill(number)
        stage.pause(SHORTEST_S, LONGEST_S)
        stage.cluster.revive(number)
        return time.monotonic()
