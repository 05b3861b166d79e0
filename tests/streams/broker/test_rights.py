"""With the rights that the page names, and no others, the whole loop runs; a sensor writes nothing but its windows."""

import re
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from kafka.admin import ACLOperation, ResourceType
from kafka.errors import TopicAuthorizationFailedError
from prometheus_client import CollectorRegistry

from deploy.followers.reading import read_reports
from deploy.labelling.spread import send_labels
from deploy.machine.brokers import Broker
from deploy.models.operator import Operator
from deploy.topics.models_view import read_view
from deploy.trials.beginning import begun
from streams.broker.log import LogError, LogReader, read_all
from streams.catalogue import write_catalogue
from streams.client import SensorClient
from streams.follower import ModelFollower
from streams.messages.topic_names import TopicNames
from streams.models.channels import version_record
from streams.models.log import KafkaModelLog
from streams.models.registry import Registry
from streams.producer import WindowProducer
from streams.records import FollowerReport, LabelRecord, VersionUse
from streams.settings import BrokerSettings
from streams.testing import SyntheticWorld
from tests.support.brokers import kafka_home
from tests.support.labelling import send, serving
from tests.support.models import bundle
from tests.support.secure_kafka import NAMES, SecureKafka
from tests.support.workers import Farm, answer
from trainer.metrics import TrainerMetrics
from trainer.rollout.reports import FollowerReports
from trainer.rollout.roller import Roller
from trainer.settings import RolloutSettings
from trainer.topics.models import KafkaModels

PAGE = (Path(__file__).parents[3] / "deploy" / "docs" / "rights.md").read_text()
ROW = re.compile(
    r"^\| (\w+) \| ([\w, ]+) \| (topic|group|topics that begin with)s? `(mmbind\.[^`]*)` \|$", re.MULTILINE
)
PREFIX = "rights."
WORLD = SyntheticWorld(8, n_complete=2, held_out=2)
TRAINER: dict[str, object] = {
    "cycle_bindings": 48,
    "steps_per_cycle": 2,
    "warm_samples": 1,
    "publish_every_s": 0,
    "batch_pairs": 12,
    "dim": 16,
    "width": 8,
    "gate": {
        "retrieval_errors": 1e6,
        "chance_factor": 1.0,
        "chance_deviations": 0.0,
        "min_effective_rank": 1.0,
        "max_mean_cosine": 1.0,
    },
}


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureKafka]:
    """With the rights of the page, under this test's prefix."""
    broker = SecureKafka(kafka_home(), tmp_path_factory.mktemp("secure"))
    broker.start()
    rows = ROW.findall(PAGE)
    assert {row[0] for row in rows} == set(NAMES) - {"admin", "nobody"}
    assert len(rows) == PAGE.count("`mmbind.") - 1  # but for the sentence on the prefix, each stands in a row
    for user, operations, kind, name in rows:
        for operation in operations.split(", "):
            broker.grant(
                user,
                ACLOperation[re.sub(r"(?<!^)([A-Z])", r"_\1", operation).upper()],
                ResourceType.GROUP if kind == "group" else ResourceType.TOPIC,
                name.replace("mmbind.", PREFIX),
                begins="begin" in kind,
            )
    yield broker
    broker.stop()


@pytest.fixture
def farm(secure: SecureKafka, tmp_path: Path) -> Iterator[Farm]:
    broker = cast(Broker, SimpleNamespace(bootstrap_servers=secure.plain))
    with Farm(broker, WORLD, tmp_path, PREFIX, TRAINER, scaling_windows=8) as farm:
        yield farm


def as_user(monkeypatch: pytest.MonkeyPatch, broker: BrokerSettings) -> None:
    """Services that start from now on are this user."""
    assert broker.sasl_plain_password is not None
    told = broker.model_dump(exclude_unset=True) | {
        "sasl_plain_password": broker.sasl_plain_password.get_secret_value()
    }
    for name, value in told.items():
        monkeypatch.setenv(f"MMBIND_BROKER__{name.upper()}", str(value))


def sensor(secure: SecureKafka) -> WindowProducer:
    given: dict[str, Any] = secure.client("sensor").model_dump(exclude_unset=True)
    return WindowProducer(prefix=PREFIX, **given)


def test_the_whole_loop_runs_with_the_rights_of_the_page(
    secure: SecureKafka, farm: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_catalogue(farm.settings)
    as_user(monkeypatch, secure.client("worker"))
    worker = farm.start_worker()
    as_user(monkeypatch, secure.client("trainer"))
    trainer = farm.start_trainer()
    windows = list(WORLD.windows(24))
    farm.send(window for window in windows if window.modality != "acceleration")
    farm.send_raw([("acceleration", b"node-01", b"nonsense")])
    with sensor(secure) as producer:
        for one in windows:
            if one.modality == "acceleration":
                producer.send(one.source_id, one.modality, one.start_ns, one.values)
    assert producer.n_failed == 0
    given: dict[str, Any] = secure.client("sensor").model_dump(exclude_unset=True)
    with SensorClient(prefix=PREFIX, **given) as client:
        assert client.modalities == WORLD.settings().sensors
    farm.wait_for_bindings(8 * 24)
    with ModelFollower(secure.client("consumer"), farm.settings.registry.root, prefix=PREFIX) as follower:
        farm.wait(lambda: follower.version > 0)
        raw = WORLD.window(0, 0, "acceleration")
        embedded = follower.embed_raw_versioned(raw.source_id, {raw.modality: raw.values})
        assert embedded.scaled_by == {"acceleration": "stream"}
        farm.wait(lambda: f"mmbind_follower_version {follower.version}.0" in answer(worker, "/metrics"))
    farm.wait(lambda: len({one.key for one in read_all(farm.broker, farm.names.followers)}) == 2)
    operator = farm.settings.model_copy(update={"broker": secure.client("operator")})
    assert read_view(operator).current("stable") and len(read_reports(operator)) == 2
    assert len(farm.rejects()) == 1
    as_user(monkeypatch, secure.client("embedder"))
    embedder = farm.start("embeddings serve", "embedder")
    farm.wait(lambda: bool(read_all(farm.broker, farm.names.embeddings)))
    annotator = farm.settings.model_copy(update={"broker": secure.client("annotator")})
    send_labels(annotator, [LabelRecord(sample_id=one.sample_id, label=one.label) for one in WORLD.samples(8)])
    send(farm, farm.names.labels, [b"nonsense"])
    as_user(monkeypatch, secure.client("labeller"))
    labeller = serving(farm)
    farm.wait(lambda: bool(read_all(farm.broker, farm.names.labelled)) and len(farm.rejects()) == 2)
    assert [one.stop() for one in (worker, trainer, embedder, labeller)] == [0, 0, 0, 0]


def test_a_sensor_writes_to_no_other_topic_and_reads_none(secure: SecureKafka, farm: Farm) -> None:
    names, own = TopicNames(PREFIX), TopicNames(PREFIX).windows("acceleration")
    others = [names.samples, names.pairs, names.models, names.rejects, names.followers, names.windows("gravity")]
    ends = {topic: farm.ends(topic) for topic in others}
    with sensor(secure) as producer:
        for topic in (*others, own):
            producer._send(topic, b"node-01", b"forged", [WORLD.window(0, 0, "acceleration")])
        producer.send("node-01", "gravity", 1, [[0.0, 0.0, 1.0]])
    assert [type(one.error) for one in producer.errors] == [TopicAuthorizationFailedError] * (len(others) + 1)
    assert {topic: farm.ends(topic) for topic in others} == ends
    with pytest.raises(LogError), LogReader(secure.client("sensor"), names.samples, timeout_s=2) as reader:
        reader.ends()


def on_trial(secure: SecureKafka, farm: Farm) -> int:
    """The operator puts a version on trial, and a consumer reports that it tries it; its number."""
    models, settings = KafkaModels(farm.broker, PREFIX), farm.settings
    version = models.refresh().next_version
    with closing(models):
        models.append(version_record(Registry(settings.registry.root).publish(bundle(version))))
    own = settings.model_copy(update={"broker": secure.client("operator")})
    with closing(Operator(own, "anna@here", force=True)) as operator:
        begun(own, version, operator, share=1.0, for_s=0.001, min_calls=5, serves=False)
    tried = VersionUse(version=version, since_ns=time.time_ns(), calls=5, errors=0, embed_s=0.1)
    with closing(KafkaModelLog(secure.client("consumer"), PREFIX)) as log:
        log.report(FollowerReport(follower_id="tries", version=0, at_ns=time.time_ns(), trial=tried))
    return version


def test_the_trainer_ends_a_trial_by_what_followers_say_and_who_may_not_read_it_cannot(
    secure: SecureKafka, farm: Farm
) -> None:
    version = on_trial(secure, farm)
    trainer, worker = secure.client("trainer"), secure.client("worker")
    with closing(KafkaModels(trainer, PREFIX)) as models:

        def roller(reader: BrokerSettings) -> Roller:
            reports = FollowerReports(reader, PREFIX)
            metrics = TrainerMetrics(CollectorRegistry())
            return Roller(models, KafkaModelLog(trainer, PREFIX), reports.read, "stable", RolloutSettings(), metrics)

        with pytest.raises(TopicAuthorizationFailedError, match=r"rights\.followers"):
            roller(worker).look()
        assert models.refresh().current("canary") == version
        verdict = roller(trainer).look()
        assert verdict is not None and verdict.outcome == "promote", verdict
        assert (models.refresh().current("stable"), models.refresh().current("canary")) == (version, 0)
