"""What a broker must have before anything runs: all topics, and in one of them which modalities there are."""

from deploy.topics.admin import admin_client
from streams.broker.topics import check_topics, create_topics
from streams.catalogue import catalogue_changes, modalities_of, read_catalogue, write_catalogue
from streams.settings import StreamSettings


def install_topics(settings: StreamSettings) -> tuple[list[str], list[str]]:
    """The names of the topics that were missing and are there now, and those of the modalities newly told of.

    Raises:
        BrokerUnreachable: Saying which step of the connection failed.
        TopicsError: If a topic that was there differs in a way that cannot be put right.
        LogError: If the topic of modalities cannot be read or written.
    """
    with admin_client(settings.broker) as admin:
        made = create_topics(admin, settings)
    return made, write_catalogue(settings)


def installation_differences(settings: StreamSettings) -> list[str]:
    """One sentence for each difference between what the broker has and what the settings want.

    Raises:
        BrokerUnreachable: Saying which step of the connection failed.
        LogError: If the topic of modalities cannot be read.
    """
    with admin_client(settings.broker) as admin:
        if differences := check_topics(admin, settings):
            return differences
    known = read_catalogue(settings.broker, settings.topics.prefix)
    stale = catalogue_changes(known, modalities_of(settings))
    return [f"clients are told otherwise of modality {name}: `mmbind topics create` tells them" for name in stale]
