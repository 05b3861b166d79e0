"""How Faust is set up: every setting whose default would lose data, open a port or read a stray variable."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import aiokafka
import aiokafka.consumer.fetcher
import faust
from aiokafka import AIOKafkaConsumer
from aiokafka.record.default_records import DefaultRecord

from streams.broker.connection import ssl_context
from streams.broker.lenient_records import read_leniently
from streams.intake.acknowledgement import TopicPartition
from streams.intake.read_marks import Fetched
from streams.settings import BrokerSettings, StreamSettings

NS_PER_MS = 1_000_000

# Lower than their defaults (60 s): a killed worker's partitions stand still for that long.
SESSION_S = 10.0
EMBEDDED_SESSION_S = 6.0  # the embedded broker makes every join wait for half of it
# After so long aiokafka gives a message up, and we send it again and say so; Faust's default is 20 minutes.
SEND_TIMEOUT_S = 30.0
COMMIT_S = 0.5
# How often the broker tells the end of a partition where nothing comes: a grace waits for that. Faust passes 1,500 ms.
FETCH_WAIT_MS = 250
# An empty fetch of the embedded broker sleeps for half its longest wait and does not wake up on data.
EMBEDDED_FETCH_WAIT_MS = 50
BUFFER_BYTES = 256 << 20
# How topics are declared: what lies in them is ours to read.
RAW: Mapping[str, Any] = MappingProxyType(
    {"key_type": bytes, "value_type": bytes, "key_serializer": "raw", "value_serializer": "raw"}
)


def faust_app(settings: StreamSettings, is_embedded: bool, group: str) -> faust.App:
    """An app without agents, for that consumer group."""
    read_leniently(aiokafka.consumer.fetcher, DefaultRecord)
    # The driver looks the class up in the package by name: replaced for this process.
    aiokafka.AIOKafkaConsumer = partial(
        _Consumer, fetch_wait_ms=EMBEDDED_FETCH_WAIT_MS if is_embedded else FETCH_WAIT_MS
    )
    data_dir = Path(settings.runtime.data_dir)
    data_dir.mkdir(parents=True, exist_ok=True)
    session_s = EMBEDDED_SESSION_S if is_embedded else SESSION_S
    app: faust.App = faust.App(
        group,
        broker=[f"kafka://{one.strip()}" for one in settings.broker.bootstrap_servers.split(",") if one.strip()],
        broker_credentials=_credentials(settings.broker),
        broker_session_timeout=session_s,
        broker_heartbeat_interval=session_s / 5,
        broker_commit_interval=COMMIT_S,
        # Kubernetes sets WEB_PORT and the like for services of such names, and Faust would read them.
        env_prefix="MMBIND_FAUST_",
        datadir=data_dir / "faust",
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        # With 0 and no tables Faust falls back to round robin, and a source's modalities end up at different workers.
        table_standby_replicas=1,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=max(1 << 20, settings.topics.rejects_max_bytes),
        producer_acks=-1,
        producer_compression_type=settings.broker.compression,
        producer_max_request_size=settings.topics.rejects_max_bytes,
        producer_request_timeout=SEND_TIMEOUT_S,
        # It would wait for windows that wait for their companions.
        stream_wait_empty=False,
        stream_buffer_maxsize=_buffer_messages(settings),
        worker_redirect_stdouts=False,
    )
    return app


def group_id(settings: StreamSettings) -> str:
    """The consumer group of all workers."""
    return f"{settings.topics.prefix}stream"


def embedder_group_id(settings: StreamSettings) -> str:
    """The consumer group of all embedders."""
    return f"{settings.topics.prefix}embedder"


def fetched(app: faust.App, place: TopicPartition) -> Fetched | None:
    """What the broker last said of a partition; None before it said anything since that was given to us."""
    consumer = getattr(getattr(app.consumer, "_thread", None), "_consumer", None)
    return consumer.fetched(*place) if isinstance(consumer, _Consumer) else None


class _Consumer(AIOKafkaConsumer):  # type: ignore[misc]
    """Faust's consumer with another wait, for which Faust has no setting; and it tells where fetching stands."""

    def __init__(self, *args: Any, fetch_wait_ms: int, **options: Any) -> None:
        super().__init__(*args, **options | {"fetch_max_wait_ms": fetch_wait_ms})
        self._answered_ms: dict[aiokafka.TopicPartition, tuple[int, int]] = {}

    def fetched(self, topic: str, partition: int) -> Fetched | None:
        """Its own position would be awaited, in a thread that fetches."""
        subscription = self._subscription.subscription
        assignment = subscription.assignment if subscription else None
        tp = aiokafka.TopicPartition(topic, partition)
        if assignment is None or tp not in assignment.tps:
            return None
        state = assignment.state_value(tp)
        if state.highwater is None or not state.has_valid_position:
            return None
        return Fetched(state.highwater, state.position, self._asked_ms(tp, state.timestamp) * NS_PER_MS)

    def _asked_ms(self, tp: aiokafka.TopicPartition, answered_ms: int) -> int:
        """Not later than the newest answer was asked for, which was after the answer before it had come.

        An answer may lie unread for seconds beside other work: what was written meanwhile is not in it.
        """
        before, last = self._answered_ms.get(tp, (0, 0))
        if answered_ms != last:
            self._answered_ms[tp] = before, last = last, answered_ms
        return before


def _credentials(broker: BrokerSettings) -> faust.SASLCredentials | faust.SSLCredentials | None:
    context = ssl_context(broker)
    if broker.security_protocol.startswith("SASL"):
        password = broker.sasl_plain_password
        return faust.SASLCredentials(
            username=broker.sasl_plain_username,
            password=password.get_secret_value() if password else None,
            ssl_context=context,
            mechanism=broker.sasl_mechanism,
        )
    return faust.SSLCredentials(context) if context else None


def _buffer_messages(settings: StreamSettings) -> int:
    """As many as Faust's default of 4,096 unless windows are large; a smaller buffer halves the throughput."""
    window_bytes = max(4 * one.n_steps * one.n_channels for one in settings.modalities.values())
    return max(64, min(4096, BUFFER_BYTES // window_bytes))
