"""What a worker's real endpoint says when its work stands still."""

import json
from pathlib import Path

from deploy.machine.brokers import Broker
from streams.testing import SyntheticWorld
from tests.support.workers import Farm, answer


def test_a_worker_that_stands_still_while_work_comes_in_is_not_ready_and_says_why(
    kafka_broker: Broker, tmp_path: Path, prefix: str
) -> None:
    # Every node has all sensors: a slot without one of them waits for it, and what waits is not committed.
    nodes = SyntheticWorld(4, n_complete=4)
    lacking = [w for w in nodes.windows(40) if w.modality != "gyroscope"]
    with Farm(kafka_broker, nodes, tmp_path, prefix, runtime={"stall_s": 2.0}, grace_s=600.0) as farm:
        worker = farm.start_worker()
        farm.send(nodes.windows(2, first=100))
        farm.wait_for_bindings(8)
        farm.wait(lambda: json.loads(answer(worker, "/readyz"))["ok"])

        coming = iter(lacking)

        def says_why() -> bool:
            farm.send(window for window, _ in zip(coming, range(4), strict=False))
            told = json.loads(answer(worker, "/readyz"))
            return any("nothing was committed for" in reason for reason in told["reasons"])

        farm.wait(says_why)
        assert json.loads(answer(worker, "/healthz"))["ok"], "standing still is no reason to be started again"

        farm.send(w for w in nodes.windows(40) if w.modality == "gyroscope")
        farm.send(coming)
        farm.wait(lambda: json.loads(answer(worker, "/readyz"))["ok"])
        assert worker.stop() == 0
