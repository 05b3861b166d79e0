"""Runs the `>>>` examples of all docstrings, as a user would who copied them."""

import importlib
from collections.abc import Iterator
from doctest import DocTest, DocTestFinder, DocTestParser, DocTestRunner
from pathlib import Path

import pytest
from kafka import KafkaProducer

from deploy.machine.brokers import EmbeddedBroker
from deploy.topics.installation import install_topics
from encoders.bundle import ModelBundle
from encoders.manifest import ModelManifest
from encoders.nets import Encoder, encoder_weights
from streams.broker.connection import producer_config
from streams.messages.topic_names import TopicNames
from streams.models.channels import ChannelView, move_record, version_record
from streams.models.registry import Registry
from streams.settings import BrokerSettings, ModalitySettings, StreamSettings

ROOT = Path(__file__).parents[2]
PRODUCT = ("encoders", "streams", "trainer", "deploy")
# What a user imports first.
SHOWN = {
    "streams.client.SensorClient",
    "streams.producer.WindowProducer",
    "streams.follower.ModelFollower",
    "streams.pipeline.Pipeline",
    "streams.history.index.SegmentedIndex",
    "streams.settings.StreamSettings",
}
# The broker that the examples name; a test's own stands for it.
ADDRESS = "127.0.0.1:9092"
ROOT_OF_MODELS = "mmbind-data/models"
SENSOR = ModalitySettings(n_channels=3, n_steps=250, rate_hz=50.0)
DIM = 64


def modules() -> list[str]:
    """All modules of the product that have an example."""
    files = sorted(path for package in PRODUCT for path in (ROOT / package).rglob("*.py"))
    with_example = [path for path in files if ">>> " in path.read_text()]
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in with_example]
    return [name.removeprefix("streams.standalone.").removesuffix(".__init__") for name in names]


def examples(module: str) -> list[DocTest]:
    return [one for one in DocTestFinder().find(importlib.import_module(module), module) if one.examples]


def faults(one: DocTest) -> str:
    """What an example prints that it does not say, and what it raises; empty if all is well."""
    report: list[str] = []
    DocTestRunner().run(one, out=report.append)
    return "".join(report)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StreamSettings]:
    """Of a broker of their own, since the examples use the topics that everybody has, which are there."""
    broker = EmbeddedBroker(tmp_path_factory.mktemp("embedded") / "broker.log", max_resident_bytes=2 << 30)
    broker.start()
    settings = StreamSettings(
        broker=BrokerSettings(bootstrap_servers=broker.bootstrap_servers),
        modalities={"acceleration": SENSOR, "gyroscope": SENSOR},
        shared_modality="acceleration",
    )
    install_topics(settings)
    yield settings
    broker.stop()


@pytest.fixture(scope="module")
def folder(settings: StreamSettings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the examples run in, and in its registry a model that the channel points at."""
    folder = tmp_path_factory.mktemp("examples")
    manifest = ModelManifest(
        version=1, parent=0, created_ns=1, modalities=tuple(settings.specs.values()), shared_modality="acceleration",
        dim=DIM,
    )  # fmt: skip
    weights = {name: encoder_weights(Encoder(spec, DIM, 8)) for name, spec in settings.specs.items()}
    published = Registry(str(folder / ROOT_OF_MODELS)).publish(ModelBundle(manifest, weights))
    producer, view = KafkaProducer(**producer_config(settings.broker)), ChannelView()
    announced = version_record(published)
    view.apply(*announced, 0)
    for key, value in (announced, move_record(view, "stable", 1, "better", "test", 1)):
        producer.send(TopicNames(settings.topics.prefix).models, key=key, value=value)
    producer.close()
    return folder


@pytest.mark.parametrize("module", modules())
def test_examples_of_a_module_run(
    module: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for one in examples(module):
        if any(ADDRESS in example.source for example in one.examples):
            monkeypatch.chdir(request.getfixturevalue("folder"))
            address = request.getfixturevalue("settings").broker.bootstrap_servers
            for example in one.examples:
                example.source = example.source.replace(ADDRESS, address)
        assert not faults(one)


def test_an_example_that_prints_something_else_is_a_fault() -> None:
    wrong = DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "wrong", None, None)
    assert "Expected:\n    3" in faults(wrong)


def test_what_a_user_imports_first_has_an_example() -> None:
    assert {one.name for module in modules() for one in examples(module)} >= SHOWN
