"""The topics: their names, how they are made, and whether a broker has them as they should be."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.errors import TopicAlreadyExistsError

from encoders.errors import MmbindError
from streams.messages.topic_names import TopicNames
from streams.settings import StreamSettings

# By this a service knows the broker that keeps nothing: when it is away, its data is gone.
EMBEDDED_CLUSTER_ID = "mmbind-embedded"

FOLLOWERS_EXPIRE_HOURS = 24.0


class TopicsError(MmbindError):
    """The broker's topics are not as the settings want them; the message has one line for each difference."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic as it should be; `counted_by` is the setting that says how many partitions, if one does."""

    name: str
    partitions: int
    configs: dict[str, str] = field(default_factory=dict)
    counted_by: str = ""

    @property
    def cleanup_policy(self) -> str:
        """`delete`, `compact` or both."""
        return self.configs["cleanup.policy"]


def wanted_topics(settings: StreamSettings) -> list[Topic]:
    """All topics as the settings want them.

    The windows topics share one partition count: a source's windows must lie at one worker.
    """
    names, topics = TopicNames(settings.topics.prefix), settings.topics

    def kept(name: str, counted_by: str = "partitions", max_bytes: int = topics.max_message_bytes) -> Topic:
        configs = _configs("delete", max_bytes, topics.retention_hours)
        return Topic(name, getattr(topics, counted_by), configs, f"topics.{counted_by}")

    return [
        *(kept(names.windows(modality)) for modality in settings.modalities),
        kept(names.samples, "sample_partitions"),
        kept(names.pairs, "pair_partitions"),
        kept(names.embeddings),
        kept(names.labels),
        kept(names.labelled),
        kept(names.rejects, max_bytes=topics.rejects_max_bytes),
        Topic(names.models, 1, _configs("compact", topics.max_message_bytes)),
        Topic(names.modalities, 1, _configs("compact", topics.max_message_bytes)),
        Topic(names.forgotten, 1, _configs("compact", topics.max_message_bytes)),
        # No longer than the samples that they come of: a live source's are written again and again.
        Topic(names.scalings, 1, _configs("compact,delete", topics.max_message_bytes, topics.retention_hours)),
        Topic(names.followers, 1, _configs("compact,delete", topics.max_message_bytes, FOLLOWERS_EXPIRE_HOURS)),
    ]


def create_topics(admin: KafkaAdminClient, settings: StreamSettings) -> list[str]:
    """Makes the topics that are missing, then checks all; the names of those made.

    Raises:
        TopicsError: If one that was there differs in a way that cannot be put right.
    """
    known = _partition_counts(admin, [topic.name for topic in wanted_topics(settings)])
    missing = [topic for topic in wanted_topics(settings) if topic.name not in known]
    made = [topic.name for topic in missing if _create(admin, topic, settings.topics.replication_factor)]
    if made:
        admin.wait_for_topics(made)
    if differences := check_topics(admin, settings):
        raise TopicsError("\n".join(differences))
    return made


def check_topics(admin: KafkaAdminClient, settings: StreamSettings) -> list[str]:
    """One sentence for each difference between the broker's topics and the wanted ones; empty when there is none.

    A broker that does not tell its topics' settings (the embedded one) is only asked for their partitions.
    """
    topics = wanted_topics(settings)
    counts = _partition_counts(admin, [topic.name for topic in topics])
    policies = _cleanup_policies(admin, [topic.name for topic in topics if topic.name in counts])
    differences = []
    for topic in topics:
        if topic.name not in counts:
            differences.append(f"topic {topic.name} is missing: `mmbind topics create` makes it")
        elif counts[topic.name] != topic.partitions:
            differences.append(_other_count(topic, counts[topic.name]))
        elif (policy := policies.get(topic.name)) and set(policy.split(",")) != set(topic.cleanup_policy.split(",")):
            differences.append(f"topic {topic.name} has cleanup.policy {policy}, wanted {topic.cleanup_policy}")
    return differences


def is_embedded(admin: KafkaAdminClient) -> bool:
    """Whether the broker is the embedded one, whose data ends with it."""
    return bool(admin.describe_cluster()["cluster_id"] == EMBEDDED_CLUSTER_ID)


def _other_count(topic: Topic, n_partitions: int) -> str:
    keep = f"set {topic.counted_by} = {n_partitions}, or topics.prefix to a new one"
    return (
        f"topic {topic.name} has {n_partitions} partitions, wanted {topic.partitions}, and its keys would move to "
        f"others: {keep if topic.counted_by else 'use another topics.prefix'}"
    )


def _configs(policy: str, max_bytes: int, retention_hours: float | None = None) -> dict[str, str]:
    configs = {"cleanup.policy": policy, "max.message.bytes": str(max_bytes)}
    if retention_hours is not None:
        configs["retention.ms"] = str(int(retention_hours * 3_600_000))
    return configs


def _create(admin: KafkaAdminClient, topic: Topic, replication_factor: int) -> bool:
    options: dict[str, Any] = {
        "num_partitions": topic.partitions,
        "replication_factor": replication_factor,
        "configs": topic.configs,
    }
    try:
        admin.create_topics({topic.name: options})
    except TopicAlreadyExistsError:  # another process was faster
        return False
    return True


def _partition_counts(admin: KafkaAdminClient, names: Iterable[str]) -> dict[str, int]:
    described = admin.describe_topics(list(names))
    return {one["name"]: len(one["partitions"]) for one in described if one["error_code"] == 0}


def _cleanup_policies(admin: KafkaAdminClient, names: Iterable[str]) -> dict[str, str]:
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    if not resources:
        return {}
    described = admin.describe_configs(resources, config_filter="all").get("topic", {})
    return {
        name: configs["cleanup.policy"]["value"] for name, configs in described.items() if "cleanup.policy" in configs
    }
