"""The audit of what real workers and trainers did, on real brokers."""

import json
import signal
from pathlib import Path
from typing import Any

import msgspec
from kafka import KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.structs import OffsetAndMetadata
from typer.testing import CliRunner

from deploy.cli.main import app
from deploy.machine.apache_kafka import KafkaBroker
from deploy.machine.brokers import EmbeddedBroker
from streams.messages.codec import encode
from streams.records import Sample
from streams.worker.faust_app import group_id
from tests.support.workers import Farm, complete_world


def audited(farm: Farm) -> tuple[int, dict[str, Any]]:
    result = CliRunner().invoke(app, ["audit", "--json", "--config", str(farm.folder / "mmbind.toml")])
    assert result.stdout, (result.output, result.exception)
    return result.exit_code, json.loads(result.stdout)


def write(farm: Farm, sample: Sample) -> None:
    producer = KafkaProducer(bootstrap_servers=farm.broker.bootstrap_servers, enable_idempotence=False)
    producer.send(farm.names.samples, key=sample.sample_id.encode(), value=encode(sample)).get(timeout=30)
    producer.close()


def test_the_books_balance_after_kills_and_tell_of_a_sample_that_was_forged(
    embedded_broker: EmbeddedBroker, tmp_path: Path, prefix: str
) -> None:
    nodes = complete_world()
    windows = list(nodes.windows(24))
    trainer: dict[str, object] = {"cycle_bindings": 48, "dim": 16, "width": 8, "batch_pairs": 12, "steps_per_cycle": 2}
    with Farm(embedded_broker, nodes, tmp_path, prefix, trainer=trainer, grace_s=20.0) as farm:
        farm.send(windows[:198])
        first, learning = farm.start_worker(), farm.start_trainer()
        farm.wait_for_bindings(30)
        assert audited(farm)[0] == 0, "while all are at work"
        first.signal(signal.SIGKILL)
        farm.send([*windows[198:], *windows[:5]])
        farm.send_raw([("gyroscope", b"node-00", b"no record"), ("gyroscope", b"node-00", None)])
        farm.start_worker()
        farm.wait_for_bindings(6 * 24)
        topics = [*map(farm.names.windows, nodes.specs), farm.names.samples]
        farm.wait(lambda: all(farm.committed(topic) == farm.ends(topic) for topic in topics))
        learning.signal(signal.SIGKILL)
        code, told = audited(farm)
        assert code == 0, told
        shares = told["windows"]["shares"]
        assert (shares["in samples, with others"], shares["duplicates"]) == (len(windows), 5), told
        assert "waiting" not in shares
        assert told["samples"]["in all"] == 6 * 24

        sample = farm.samples()[0]
        write(farm, sample)
        assert audited(farm)[0] == 0, "the same once more is dropped by its id"
        write(farm, msgspec.structs.replace(sample, sample_id="forged"))
        code, told = audited(farm)
        assert (code, told["windows"]["n_faults"]) == (1, {"twice": 3})


def test_a_log_that_was_cut_is_said_to_begin_too_late(kafka_broker: KafkaBroker, tmp_path: Path, prefix: str) -> None:
    nodes = complete_world()
    with Farm(kafka_broker, nodes, tmp_path, prefix, grace_s=20.0) as farm:
        farm.send(nodes.windows(8))
        farm.start_worker()
        farm.wait_for_bindings(6 * 8)
        topics = [*map(farm.names.windows, nodes.specs), farm.names.samples]
        farm.wait(lambda: all(farm.committed(topic) == farm.ends(topic) for topic in topics))
        assert audited(farm)[0] == 0
        admin = KafkaAdminClient(bootstrap_servers=kafka_broker.bootstrap_servers)
        for topic in (farm.names.windows("gyroscope"), farm.names.pairs):
            admin.delete_records({TopicPartition(topic, p): end // 2 for p, end in farm.ends(topic).items()})
        admin.close()
        code, told = audited(farm)
        assert (code, bool(told["whole_from"])) == (3, True), told
        assert told["windows"]["notes"]["in samples, sent before the log begins"] > 0
        assert told["samples"]["shares"]["before the log begins"] > 0


def test_a_window_that_was_committed_and_lies_nowhere_is_missing(
    kafka_broker: KafkaBroker, tmp_path: Path, prefix: str
) -> None:
    with Farm(kafka_broker, complete_world(), tmp_path, prefix) as farm:
        farm.send_raw([("gyroscope", b"node-00", b"no record")])
        code, told = audited(farm)
        assert (code, told["windows"]["shares"]) == (0, {"waiting": 1})
        topic = farm.names.windows("gyroscope")
        admin = KafkaAdminClient(bootstrap_servers=kafka_broker.bootstrap_servers)
        ends = {TopicPartition(topic, p): OffsetAndMetadata(end, "", -1) for p, end in farm.ends(topic).items()}
        admin.alter_group_offsets(group_id(farm.settings), ends)
        admin.close()
        code, told = audited(farm)
        assert (code, told["windows"]["n_faults"]) == (1, {"missing": 1}), told
