"""What followers last said of themselves."""

import msgspec

from streams.broker.log import read_all
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
        """All there are; what cannot be read is left out.

        Raises:
            LogError: If the topic cannot be read.
            KafkaError: If the broker cannot be reached.
        """
        found: dict[str, FollowerReport] = {}
        for message in read_all(self._broker, self._topic):
            try:
                report = msgspec.json.decode(message.value or b"", type=FollowerReport)
            except msgspec.MsgspecError:
                continue
            found[report.follower_id] = report
        return found
