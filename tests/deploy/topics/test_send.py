"""What is sent where there is no topic for it."""

import json

import pytest

from deploy.errors import CommandError
from deploy.machine.brokers import Broker
from deploy.topics.installation import install_topics
from deploy.topics.send import send_json
from streams.broker.log import read_all
from streams.settings import ModalitySettings
from streams.testing import SyntheticWorld


def test_a_modality_without_a_topic_is_told_at_once_and_nothing_is_sent(broker: Broker, prefix: str) -> None:
    given = {"bootstrap_servers": broker.bootstrap_servers}
    settings = SyntheticWorld(2).settings(broker=given, topics={"prefix": prefix})
    install_topics(settings)
    late = settings.model_copy(
        update={"modalities": settings.modalities | {"pulse": ModalitySettings(n_channels=1, n_steps=1, rate_hz=1)}}
    )
    window = {"source_id": "node-1", "start_ns": 1_700_000_000_000_000_000, "values": [[0.0]]}
    text = json.dumps([{**window, "modality": "gravity"}, {**window, "modality": "pulse"}]).encode()
    there = ", ".join(sorted(settings.modalities))
    with pytest.raises(CommandError, match=rf"no topic of windows of pulse, but of {there}: "):
        send_json(text, late)
    assert read_all(settings.broker, f"{prefix}windows.gravity") == []
