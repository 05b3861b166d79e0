"""What followers last said of themselves."""

from collections.abc import Iterable

import msgspec

from streams.broker.log import read_all
from streams.messages.message import Message
from streams.messages.topic_names import TopicNames
from streams.records import FollowerReport
from streams.settings import BrokerSettings


class FollowerReports:
    """The latest report of each follower, from the topic `followers`.

    Args:
        broker: Where.
        prefix: Of all topics.
    """

    def __init__(self, broker: BrokerSettings, prefix: str) -> None:
        self._broker, self._topic = broker, TopicNames(prefix).followers

    def read(self) -> dict[str, FollowerReport]:
        """All there are, by follower.

        Raises:
            LogError: If the topic cannot be read.
            KafkaError: If the broker cannot be reached.
        """
        return {one.follower_id: one for one in newest(read_all(self._broker, self._topic))}


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
