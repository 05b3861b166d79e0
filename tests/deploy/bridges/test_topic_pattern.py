"""MQTT topics with placeholders."""

import pytest

from deploy.bridges.topic_pattern import TopicPattern
from deploy.errors import WrongInput


@pytest.mark.parametrize(
    ("pattern", "wanted", "topic", "found"),
    [
        ("sensors/{node}/{modality}", "sensors/+/+", "sensors/n-1/acc", {"node": "n-1", "modality": "acc"}),
        ("sensors/{node}/{modality}", "sensors/+/+", "sensors/n-1", None),
        ("sensors/{node}/{modality}", "sensors/+/+", "other/n-1/acc", None),
        ("+/{node}/#", "+/+/#", "a/n-1/b/c", {"node": "n-1"}),
        ("telegraf", "telegraf", "telegraf", {}),
    ],
)
def test_a_topic_says_the_node_and_the_modality(
    pattern: str, wanted: str, topic: str, found: dict[str, str] | None
) -> None:
    assert TopicPattern(pattern).filter == wanted
    assert TopicPattern(pattern).match(topic) == found


@pytest.mark.parametrize("pattern", ["", "a/{room}", "a/#/b", "a/{node}/{node}", "a/b+"])
def test_what_is_no_topic_is_refused(pattern: str) -> None:
    with pytest.raises(WrongInput, match=r"mqtt\.topics has"):
        TopicPattern(pattern)
