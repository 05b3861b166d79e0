import signal
import sys
import threading
from pathlib import Path

import pytest

from deploy.machine.apache_kafka import KafkaBroker
from deploy.machine.brokers import EmbeddedBroker
from deploy.machine.process import ChildProcess
from deploy.machine.up import Supervisor, _watched, choose_broker, services
from deploy.settings.config import Settings, as_toml
from streams.service.lifecycle import EXIT_BROKER_GONE, EXIT_FAILED
from streams.settings import BrokerSettings
from streams.testing import SyntheticWorld
from tests.support.waiting import wait_until


def child(tmp_path: Path, name: str, code: str) -> ChildProcess:
    return ChildProcess(name, [sys.executable, "-c", code], tmp_path / f"{name}.log")


def settings(tmp_path: Path, **sections: object) -> Settings:
    world = SyntheticWorld(2).settings()
    given = {"runtime": {"data_dir": str(tmp_path), "stream_port": 0, "trainer_port": 0}, **sections}
    return Settings.model_validate(world.model_dump(include={"modalities", "shared_modality", "ingest"}) | given)


def test_uses_the_broker_that_the_settings_name(tmp_path: Path) -> None:
    named = settings(tmp_path, broker={"bootstrap_servers": "kafka.example:9092"})

    assert choose_broker(named, {"KAFKA_HOME": "/opt/kafka"}) is None


def test_prefers_apache_kafka_to_the_embedded_broker(tmp_path: Path) -> None:
    assert isinstance(choose_broker(settings(tmp_path), {"KAFKA_HOME": "/opt/kafka"}), KafkaBroker)
    assert isinstance(choose_broker(settings(tmp_path), {}), EmbeddedBroker)


def test_hands_the_password_on_by_the_environment_alone(tmp_path: Path) -> None:
    broker = BrokerSettings(
        security_protocol="SASL_SSL", sasl_mechanism="PLAIN", sasl_plain_username="u", sasl_plain_password="s3cret"
    )
    secret = settings(tmp_path, broker=broker)

    (worker, _) = services(secret, tmp_path / "up.toml")

    assert worker._env is not None
    assert worker._env["MMBIND_BROKER__SASL_PLAIN_PASSWORD"] == "s3cret"
    assert "s3cret" not in as_toml(secret)
    assert "s3cret" not in " ".join(worker.command)


def test_ends_everything_when_it_is_told_to(tmp_path: Path) -> None:
    first, second = (child(tmp_path, name, "import time; time.sleep(60)") for name in ("first", "second"))
    stop = threading.Event()

    def stop_when_both_run() -> None:
        try:
            wait_until(lambda: first.alive and second.alive, 20)
        finally:
            stop.set()

    threading.Thread(target=stop_when_both_run).start()

    assert Supervisor(None, [first, second], print).run(stop) == 0
    assert (first.exit_code, second.exit_code) == (-signal.SIGTERM, -signal.SIGTERM)


def test_who_watches_sees_the_services_run_and_is_ended_with_them(tmp_path: Path) -> None:
    seen: list[bool] = []

    def watch(_: Settings, ended: threading.Event) -> None:
        seen.append(ended.is_set())
        seen.append(ended.wait(20))

    with _watched(settings(tmp_path), threading.Event(), watch):
        wait_until(lambda: len(seen) == 1, 20)
    wait_until(lambda: len(seen) == 2, 20)
    assert seen == [False, True]
    with _watched(settings(tmp_path), threading.Event(), None):
        pass


def test_starts_a_crashed_service_again_and_gives_up_at_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.machine.up.FIRST_RESTART_S", 0.01)
    monkeypatch.setattr("deploy.machine.up.CHECK_EVERY_S", 0.01)
    monkeypatch.setattr("deploy.machine.up.MOST_RESTARTS", 2)
    crashing = child(tmp_path, "crashing", "print('was here'); raise SystemExit(1)")
    said: list[str] = []

    code = Supervisor(None, [crashing], said.append).run(threading.Event())

    assert code == EXIT_FAILED
    assert (tmp_path / "crashing.log").read_text().count("was here") == 3
    assert "was here" in said[-1]


def test_does_not_start_a_service_with_wrong_settings_again(tmp_path: Path) -> None:
    wrong = child(tmp_path, "wrong", "print('once'); raise SystemExit(2)")

    assert Supervisor(None, [wrong], print).run(threading.Event()) == EXIT_FAILED
    assert (tmp_path / "wrong.log").read_text() == "once\n"


def test_ends_with_the_embedded_broker_and_says_so(tmp_path: Path) -> None:
    broker = EmbeddedBroker(tmp_path / "broker.log", max_resident_bytes=1_000, check_every_s=0.2)
    broker.start()
    said: list[str] = []

    code = Supervisor(broker, [child(tmp_path, "sleeper", "import time; time.sleep(60)")], said.append).run(
        threading.Event()
    )

    assert code == EXIT_BROKER_GONE
    assert "reached its cap" in said[-1]
