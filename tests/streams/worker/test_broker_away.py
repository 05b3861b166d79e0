"""What a worker does while its broker is away, before it is there, and when it is gone for good."""

import json
from pathlib import Path

from deploy.machine.apache_kafka import KafkaBroker
from deploy.machine.brokers import EmbeddedBroker, free_port
from deploy.settings.config import Settings, as_toml
from streams.service.lifecycle import EXIT_BROKER_GONE
from tests.support.brokers import kafka_home
from tests.support.waiting import wait_until
from tests.support.workers import Farm, answer, complete_world, start


def test_a_worker_outlives_the_absence_of_apache_kafka(tmp_path: Path) -> None:
    nodes = complete_world()
    broker = KafkaBroker(kafka_home(), tmp_path / "kafka")
    broker.start()
    try:
        # Longer than the broker is away, on a busy machine too: only windows that come later than that may come apart.
        with Farm(broker, nodes, tmp_path, "away.", grace_s=60.0) as farm:
            worker = farm.start_worker()
            farm.send(nodes.windows(5))
            farm.wait_for_bindings(30)
            broker.stop()
            farm.wait(lambda: not json.loads(answer(worker, "/readyz"))["ok"])
            broker.start()
            farm.send(nodes.windows(5, first=5))
            farm.wait_for_bindings(60)
            farm.wait(lambda: json.loads(answer(worker, "/readyz"))["ok"])

            assert {len(sample.windows) for sample in farm.samples()} == {3}
            assert worker.stop() == 0
            assert worker.log_file.read_text().count("ERROR") < 40
    finally:
        broker.stop()


def test_a_worker_ends_with_the_embedded_broker_and_says_so(tmp_path: Path) -> None:
    broker = EmbeddedBroker(tmp_path / "broker.log")
    broker.start()
    nodes = complete_world()
    with Farm(broker, nodes, tmp_path, "gone.") as farm:
        worker = farm.start_worker()
        farm.send(nodes.windows(2))
        farm.wait_for_bindings(12)
        broker.stop()

        assert worker.wait(15) == EXIT_BROKER_GONE
        assert "the embedded broker is gone" in worker.log_tail()


def test_a_worker_waits_for_a_broker_that_is_not_there_and_can_be_told_to_stop(tmp_path: Path) -> None:
    settings = Settings.model_validate(
        complete_world().settings().model_dump(include={"modalities", "shared_modality"})
        | {
            "broker": {"bootstrap_servers": f"127.0.0.1:{free_port()}"},
            "runtime": {"data_dir": str(tmp_path), "stream_port": 0},
        }
    )
    (tmp_path / "mmbind.toml").write_text(as_toml(settings))
    worker = start("stream", tmp_path, "worker")
    wait_until(
        lambda: "waiting for the broker" in worker.log_tail(),
        timeout_s=30,
        told=worker.log_tail,
        is_hopeless=lambda: not worker.alive,
    )

    reasons = json.loads(answer(worker, "/readyz"))["reasons"]
    assert any("127.0.0.1" in reason for reason in reasons)
    assert json.loads(answer(worker, "/healthz"))["ok"]
    assert worker.stop() == 0
