"""The newest report of each follower, read once."""

from collections.abc import Iterable

import msgspec

from streams.broker.connection import connect_or_explain
from streams.broker.log import read_all
from streams.messages.message import Message
from streams.messages.topic_names import TopicNames
from streams.records import FollowerReport
from streams.settings import StreamSettings


def read_reports(settings: StreamSettings) -> list[FollowerReport]:
    """What each follower said last, of those that the topic still knows.

    Raises:
        BrokerUnreachable: If the broker cannot be used.
        LogError: If there is no such topic.
    """
    topic = TopicNames(settings.topics.prefix).followers
    return newest(connect_or_explain(lambda: read_all(settings.broker, topic), settings.broker))


def newest(messages: Iterable[Message]) -> list[FollowerReport]:
    """The last report under each key, in order of the followers' ids; what is no report is passed over."""
    reports: dict[bytes, FollowerReport] = {}
    for message in messages:
        key = message.key or b""
        try:
            reports[key] = msgspec.json.decode(message.value or b"", type=FollowerReport)
        except (msgspec.MsgspecError, RecursionError):
            if message.value is None:
                reports.pop(key, None)
    return sorted(reports.values(), key=lambda report: report.follower_id)
