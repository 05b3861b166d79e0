"""What a worker's real endpoint says when its work stands still."""

import json
import signal
from pathlib import Path

from kafka.admin import KafkaAdminClient

from deploy.machine.brokers import Broker
from streams.testing import SyntheticWorld
from tests.support.workers import Farm, answer


def delete(broker: Broker, topic: str) -> None:
    """What is written to it from then on waits."""
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    admin.delete_topics([topic])
    admin.close()


def test_a_worker_that_stands_still_while_work_comes_in_is_not_ready_and_says_why(
    kafka_broker: Broker, tmp_path: Path, prefix: str
) -> None:
    nodes = SyntheticWorld(4, n_complete=4)
    with Farm(kafka_broker, nodes, tmp_path, prefix, runtime={"stall_s": 2.0}, grace_s=1.0) as farm:
        worker = farm.start_worker()
        farm.send(nodes.windows(2, first=100))
        farm.wait_for_bindings(8)
        farm.wait(lambda: json.loads(answer(worker, "/readyz"))["ok"])

        delete(kafka_broker, farm.names.samples)
        coming = iter(nodes.windows(400))

        def says_why() -> bool:
            farm.send(window for window, _ in zip(coming, range(4), strict=False))
            told = json.loads(answer(worker, "/readyz"))
            return any("windows: no progress for" in reason for reason in told["reasons"])

        farm.wait(says_why)
        assert json.loads(answer(worker, "/healthz"))["ok"], "standing still is no reason to be started again"
        worker.signal(signal.SIGKILL)
