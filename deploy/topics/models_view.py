"""What the `models` topic says at present, read once."""

from streams.broker.connection import connect_or_explain
from streams.broker.log import read_all
from streams.messages.topic_names import TopicNames
from streams.models.channels import ChannelView
from streams.settings import StreamSettings


def read_view(settings: StreamSettings) -> ChannelView:
    """What the `models` topic says at present.

    Raises:
        BrokerUnreachable: If the broker cannot be used.
        LogError: If there is no such topic.
    """
    topic = TopicNames(settings.topics.prefix).models
    view = ChannelView()
    for message in connect_or_explain(lambda: read_all(settings.broker, topic), settings.broker):
        view.apply(message.key or b"", message.value, message.offset)
    return view
