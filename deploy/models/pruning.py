"""Old versions, deleted: record first, then files, so that nobody sees a version whose files are gone."""

from collections.abc import Sequence

from deploy.errors import CommandError
from streams.broker.connection import connect_or_explain
from streams.models.channels import ChannelView
from streams.models.registry import Registry
from streams.settings import StreamSettings
from trainer.topics.models import KafkaModels

# Of each channel: the present version, and the one that a rollback leads to.
PLACES_KEPT = 2


def to_prune(view: ChannelView, keep: int) -> list[int]:
    """Versions that may go: all but the newest `keep`, and those that a channel is at or may be rolled back to."""
    held = set(sorted(view.manifests)[-keep:] if keep else [])
    for channel in view.channels:
        held |= {move.version for move in view.history(channel)[-PLACES_KEPT:]}
        held |= {version for version in (view.current(channel), view.before(channel)) if version}
    return [version for version in sorted(view.manifests) if version not in held]


def prune(settings: StreamSettings, keep: int, is_rehearsal: bool = False) -> Sequence[int]:
    """Deletes them, records first; also files that an earlier one left behind. Which versions.

    Raises:
        CommandError: If the topic changed meanwhile so that one of them is in use.
        RegistryAway: If the store cannot be reached: to be done again.
    """
    models, registry = KafkaModels(settings.broker, settings.topics.prefix), Registry.of(settings.registry)
    try:
        view = connect_or_explain(models.refresh, settings.broker)
        going = to_prune(view, keep)
        if is_rehearsal:
            return going
        for version in going:
            if version not in to_prune(models.refresh(), keep):
                raise CommandError(f"version {version} came into use meanwhile: begin again")
            for kind in ("decision", "version"):
                models.withdraw(f"{kind}/{version}".encode())
            registry.remove(version)
        newest = max(view.manifests, default=0)
        for version in registry.versions():
            # Withdrawn by somebody who did not come to its files. Newer ones may be about to be announced.
            if version < newest and version not in view.manifests:
                registry.remove(version)
        return going
    finally:
        models.close()
