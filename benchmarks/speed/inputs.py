"""What benchmarks put into the topics before they start the clock."""

from collections.abc import Iterable, Iterator

from kafka import KafkaProducer

from benchmarks.speed.workload import first_encoder
from encoders.bundle import ModelBundle
from encoders.manifest import ModelManifest
from encoders.nets import encoder_weights
from streams.broker.log import read_all
from streams.messages.codec import encode, encode_batch
from streams.messages.topic_names import TopicNames
from streams.models.channels import ChannelView, move_record, version_record
from streams.models.registry import Registry
from streams.records import SensorWindow
from streams.settings import StreamSettings
from trainer.settings import TrainerSettings


def messages(windows: Iterable[SensorWindow], batch: int) -> Iterator[tuple[str, bytes]]:
    """Source and value of messages with `batch` windows of one source each, the last ones with fewer."""
    waiting: dict[str, list[SensorWindow]] = {}
    for window in windows:
        own = waiting.setdefault(window.source_id, [])
        own.append(window)
        if len(own) == batch:
            yield window.source_id, encode_batch(own) if batch > 1 else encode(window)
            own.clear()
    for source_id, own in waiting.items():
        if own:
            yield source_id, encode_batch(own)


def publish_model(settings: StreamSettings, version: int) -> None:
    """Publishes an encoder of the shared modality with random weights, announced and made the stable one."""
    spec, trainer = settings.specs[settings.shared_modality], TrainerSettings()
    weights = {spec.name: encoder_weights(first_encoder(spec, seed=version - 1))}
    manifest = ModelManifest(
        version=version,
        parent=version - 1,
        created_ns=version,
        modalities=(spec,),
        shared_modality=spec.name,
        dim=trainer.dim,
    )
    manifest = Registry(settings.registry.root).publish(ModelBundle(manifest, weights))
    names = TopicNames(settings.topics.prefix)
    view = ChannelView()
    for message in read_all(settings.broker, names.models):
        view.apply(message.key or b"", message.value, message.offset)
    announced = version_record(manifest)
    view.apply(*announced, 0)
    producer = KafkaProducer(bootstrap_servers=settings.broker.bootstrap_servers, enable_idempotence=False)
    for key, value in (announced, move_record(view, "stable", version, "benchmark", "benchmark", at_ns=version)):
        producer.send(names.models, key=key, value=value)
    producer.flush()
    producer.close()
