"""Whether what the topics hold still is what the settings say."""

from deploy.settings.obstacles import other_shape
from deploy.topics.admin import admin_client
from streams.broker.log import LogReader
from streams.messages.topic_names import TopicNames
from streams.records import Sample
from streams.settings import StreamSettings

# Of each partition. Several, so that one sample that a stranger wrote does not speak for all.
LATEST_MESSAGES = 5


def changed_shapes(settings: StreamSettings) -> list[str]:
    """A sentence for each modality of whose windows the latest samples have none of the settings' shape, but others.

    Raises:
        BrokerUnreachable: Saying which step of the connection failed.
        LogError: If the topic cannot be read.
    """
    topic = TopicNames(settings.topics.prefix).samples
    shapes = _latest_shapes(settings, topic)
    return [
        other_shape(name, spec, *max(found), where=f"topic {topic}")
        for name, spec in settings.specs.items()
        if (found := shapes.get(name)) and (spec.n_steps, spec.n_channels) not in found
    ]


def _latest_shapes(settings: StreamSettings, topic: str) -> dict[str, set[tuple[int, int]]]:
    with admin_client(settings.broker) as admin:
        if topic not in admin.list_topics():
            return {}
    shapes: dict[str, set[tuple[int, int]]] = {}
    with LogReader(settings.broker, topic) as reader:
        ends = reader.ends()
        starts = {at: max(start, ends.get(at, 0) - LATEST_MESSAGES) for at, start in reader.starts().items()}
        for message in reader.read(starts, ends):
            for sample in message.decoded(Sample)[0]:
                for name, values in sample.windows.items():
                    if values.ndim == 2:
                        shapes.setdefault(name, set()).add((values.shape[0], values.shape[1]))
    return shapes
