"""What versions there are: by the topic, or without a broker by what lies in the registry."""

from deploy.topics.models_view import read_view
from encoders.errors import MmbindError
from streams.broker.connection import BrokerUnreachable
from streams.models.channels import ChannelView, version_record
from streams.models.registry import Registry
from streams.settings import StreamSettings


def read_or_look(settings: StreamSettings) -> tuple[ChannelView, str]:
    """The state of models and channels, and if the broker is away what is missing of it: then only versions are known.

    Raises:
        BrokerUnreachable: If the broker cannot be used and nothing lies in the registry either.
        LogError: If there is no topic of models.
    """
    try:
        return read_view(settings), ""
    except BrokerUnreachable as error:
        view = ChannelView()
        try:
            manifests = Registry.of(settings.registry).manifests()
        except (MmbindError, ValueError):
            manifests = []
        for i, manifest in enumerate(manifests):
            view.apply(*version_record(manifest), i)
        if not view.manifests:
            raise
        broker = settings.broker.bootstrap_servers
        return view, f"the broker {broker} cannot be used: versions from the registry, channels unknown; {error}"
