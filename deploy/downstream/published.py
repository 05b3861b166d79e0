"""A published model by its number or its channel, for commands that work on files."""

from pathlib import Path

from deploy.errors import WrongInput
from deploy.settings.config import Settings
from deploy.topics.models_view import read_view
from encoders.bundle import MANIFEST_NAME, BundleError, ModelBundle, load_bundle
from streams.models.registry import Registry
from streams.models.signing import Verifier


def find_bundle(settings: Settings, version: int | None, channel: str | None, root: str | None) -> ModelBundle:
    """The bundle, verified.

    A version in a local root is read without a broker; a channel, or a root that is a URL, needs the `models` topic.

    Raises:
        WrongInput: If there is no such version or channel, or both were given.
        BundleError: If a file of it is damaged, or it is not signed as it must be.
        BrokerUnreachable: If the broker is needed and cannot be used.
    """
    root = root or settings.registry.root
    if version is not None and channel is not None:
        raise WrongInput(f"--version {version} and --channel {channel}: wanted one of the two")
    verifier = Verifier.of(settings.registry.public_key_file)
    if version is not None and "://" not in root:
        folder = Path(root) / f"v{version}"
        if not (folder / MANIFEST_NAME).is_file():
            there = sorted(int(one.parent.name[1:]) for one in Path(root).glob(f"v[0-9]*/{MANIFEST_NAME}"))
            known = ", ".join(map(str, there)) or "none"
            raise WrongInput(f"--version {version}: no such version below {root}, wanted one of: {known}")
        bundle = load_bundle(folder)
        if verifier is not None:
            verifier.check(bundle.manifest)
        if bundle.manifest.version != version:
            raise BundleError(str(folder), f"version {version}", f"version {bundle.manifest.version}")
        return bundle
    view = read_view(settings)
    if version is None:
        name = channel or settings.registry.channel
        if channel is None and not view.current(name):
            raise WrongInput(
                f"no version has passed the gate so far: wanted one that channel {name} is at, or --version N of those "
                "that `mmbind models list` shows"
            )
        if name not in view.channels:
            raise WrongInput(f"--channel {name}: wanted one of: {', '.join(view.channels) or 'none so far'}")
        version = view.channels[name]
    if version not in view.manifests:
        known = ", ".join(map(str, sorted(view.manifests))) or "none"
        raise WrongInput(f"--version {version}: no such version is announced, wanted one of: {known}")
    return Registry(root, verifier=verifier).fetch(view.manifests[version])
