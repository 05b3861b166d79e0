"""The trainer's Kafka consumers: nothing is committed unasked, nothing is skipped."""

from kafka import KafkaConsumer
from kafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor

from streams.broker.connection import client_config, connect_or_explain
from streams.settings import BrokerSettings

# The embedded broker does not wake a waiting fetch: half of this is what a message waits there.
FETCH_WAIT_MS = 100
FETCH_BYTES, GROUP_FETCH_BYTES = 1 << 20, 1 << 16
# A trainer that was killed keeps its partitions for so long.
SESSION_TIMEOUT_MS = 6_000
# Longer than any cycle: another thread of the client shows the group that the process lives.
MAX_POLL_INTERVAL_MS = 1_800_000


def consumer(broker: BrokerSettings, group_id: str | None = None) -> KafkaConsumer:
    """A consumer that begins at the first message where nobody says otherwise; without a group it joins none.

    Raises:
        BrokerUnreachable: If the broker cannot be used; says which step failed.
    """
    config = {
        **client_config(broker),
        "group_id": group_id,
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "fetch_max_wait_ms": FETCH_WAIT_MS,
        "session_timeout_ms": SESSION_TIMEOUT_MS,
        "heartbeat_interval_ms": SESSION_TIMEOUT_MS // 3,
        # By so much is one partition read ahead of another; less costs an answer of the broker for every few messages.
        "max_partition_fetch_bytes": GROUP_FETCH_BYTES if group_id else FETCH_BYTES,
        "max_poll_interval_ms": MAX_POLL_INTERVAL_MS,
        # A second trainer that is started by mistake must not be given what the first one has.
        "partition_assignment_strategy": [StickyPartitionAssignor],
    }
    return connect_or_explain(lambda: KafkaConsumer(**config), broker, group_id=group_id)
