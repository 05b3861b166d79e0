"""The network between all services and the broker is cut: nothing is closed, nothing arrives."""

import time

from tests.chaos.fault import Fault
from tests.chaos.stage import Stage

# Longer than every session, so that the groups have given everybody up.
SHORTEST_S, LONGEST_S = 12.0, 25.0


class NetworkCut(Fault):
    """Sensors are on the broker's side: what they send waits for the services."""

    name = "network cut between services and broker"
    kinds = ("proxied",)
    n_strikes = 2

    def strike(self, stage: Stage) -> float:
        """Cuts for longer than the sessions last."""
        proxy = stage.cluster.proxy
        assert proxy is not None, "this cluster has no proxy"
        proxy.cut()
        stage.pause(SHORTEST_S, LONGEST_S)
        proxy.mend()
        return time.monotonic()
