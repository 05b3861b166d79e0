"""Windows that lie in topics: some, to see what is there, or all, to keep them."""

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np

from deploy.errors import CommandError
from deploy.topics.admin import admin_client
from streams.broker.connection import connect_or_explain
from streams.broker.log import LogReader
from streams.messages.rejects import InvalidRecord
from streams.messages.topic_names import TopicNames
from streams.records import SensorWindow
from streams.settings import StreamSettings

N_MESSAGES = 300


def windows_topics(settings: StreamSettings, wanted: str) -> list[str]:
    """Full names of the topics of windows that `wanted` is: one, with or without the prefix, or `windows.*`: all.

    Raises:
        BrokerUnreachable: If the broker cannot be used.
        CommandError: If there is no such topic.
    """
    prefix = TopicNames(settings.topics.prefix).windows("")
    with admin_client(settings.broker) as admin:
        known = sorted(name for name in admin.list_topics() if name.startswith(prefix))
    name = wanted.removeprefix(settings.topics.prefix)
    found = known if name == "windows.*" else [one for one in known if one == f"{settings.topics.prefix}{name}"]
    if not found:
        there = ", ".join(one.removeprefix(settings.topics.prefix) for one in known) or "none"
        raise CommandError(f"{wanted}: no such file, and no such topic of windows; there are: {there}")
    return found


def some_windows(settings: StreamSettings, topics: Sequence[str]) -> tuple[list[SensorWindow], int]:
    """The windows of the first messages that each topic has, and how many records in them are none."""
    windows: list[SensorWindow] = []
    n_unreadable = 0
    for topic in topics:
        for found, n in islice(windows_of(settings, topic), N_MESSAGES):
            windows += found
            n_unreadable += n
    return windows, n_unreadable


def windows_of(
    settings: StreamSettings, topic: str, starts: dict[int, int] | None = None
) -> Iterator[tuple[list[SensorWindow], int]]:
    """Of each message of a topic its windows `[T, C]` of finite numbers, and how many of its records are none.

    From `starts`, without them from the first message kept, to the topic's present end.

    Raises:
        BrokerUnreachable: If the broker cannot be used.
        LogError: If the topic is not there, or its end cannot be read.
    """
    with connect_or_explain(lambda: LogReader(settings.broker, topic), settings.broker) as reader:
        for message in reader.read(starts):
            windows, faults = message.decoded(SensorWindow, _usable)
            yield windows, len(faults)


def ends_of(settings: StreamSettings, topic: str) -> dict[int, int]:
    """The present end of each partition of a topic.

    Raises:
        BrokerUnreachable: If the broker cannot be used.
        LogError: If the topic is not there, or its end cannot be read.
    """
    with connect_or_explain(lambda: LogReader(settings.broker, topic), settings.broker) as reader:
        return reader.ends()


def _usable(window: SensorWindow) -> SensorWindow:
    if window.values.ndim != 2 or not window.values.size or not np.isfinite(window.values).all():
        raise InvalidRecord("shape", "values", f"shape {list(window.values.shape)}", "finite numbers [T, C]")
    return window
