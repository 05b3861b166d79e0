"""The newest report of each follower, read once."""

from streams.broker.connection import connect_or_explain
from streams.records import FollowerReport
from streams.settings import StreamSettings
from trainer.rollout.reports import FollowerReports


def read_reports(settings: StreamSettings) -> list[FollowerReport]:
    """What each follower said last, of those that the topic still knows, in order of their ids.

    Raises:
        BrokerUnreachable: If the broker cannot be used.
        LogError: If there is no such topic.
    """
    reports = FollowerReports(settings.broker, settings.topics.prefix)
    return list(connect_or_explain(reports.read, settings.broker).values())
