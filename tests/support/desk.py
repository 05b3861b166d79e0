"""Versions in a registry and on a broker, some that may be used and some that may not."""

from contextlib import closing
from pathlib import Path

import msgspec
from kafka import KafkaProducer

from deploy.machine.brokers import Broker
from deploy.models.operator import Operator
from deploy.trials.beginning import begun, ended
from streams.broker.connection import producer_config
from streams.models.channels import decision_record, move_record, version_record
from streams.models.registry import Registry
from streams.records import Decision, FollowerReport, VersionUse
from tests.support.models import bundle
from tests.support.topics import installed
from trainer.topics.models import KafkaModels


class Desk:
    """Versions 1 (served), 2 (passed), 3 (refused), 4 (without a word), 5 (damaged), on a broker."""

    def __init__(self, broker: Broker, prefix: str, folder: Path) -> None:
        self.folder = folder
        self.settings = installed(broker, prefix, folder)
        self.models = KafkaModels(self.settings.broker, prefix)
        registry = Registry(str(folder))
        for version in range(1, 6):
            self.models.append(version_record(registry.publish(bundle(version))))
        for version, passed in {1: True, 2: True, 3: False, 5: True}.items():
            self.models.append(decision_record(Decision(version=version, passed=passed, reason="because")))
        self.models.append(move_record(self.models.refresh(), "stable", 1, "first", "trainer", 1))
        (folder / "v5" / "gravity.safetensors").write_bytes(b"nothing")

    def report(self, *names: str) -> None:
        producer = KafkaProducer(**producer_config(self.settings.broker))
        for name in names:
            used = VersionUse(version=1, since_ns=1)
            said = FollowerReport(follower_id=name, version=1, at_ns=2**62, use=used, details={"channel": "stable"})
            topic = f"{self.settings.topics.prefix}followers"
            producer.send(topic, key=name.encode(), value=msgspec.json.encode(said)).get(10)
        producer.close()

    def begin(self, version: int, force: bool = False) -> str:
        with closing(Operator(self.settings, "anna@here", "a try", force=force)) as operator:
            return begun(self.settings, version, operator, share=0.01, for_s=60, min_calls=5, serves=False)

    def end(self) -> str:
        with closing(Operator(self.settings, "ben@here", "enough")) as operator:
            return ended(self.settings, operator)

    def channels(self) -> dict[str, int]:
        return self.models.refresh().channels

    def operator(self, by: str = "anna@here", reason: str = "", force: bool = False) -> Operator:
        return Operator(self.settings, by, reason, force=force, models=self.models)
