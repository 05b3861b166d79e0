"""Whether a version may be put to use; if not, why, in one sentence."""

import re

from deploy.errors import CommandError
from encoders.bundle import BundleError
from encoders.manifest import ModelManifest
from streams.models.channels import ChannelView
from streams.models.registry import Registry


def known(view: ChannelView, version: int) -> ModelManifest:
    """The manifest of a version.

    Raises:
        CommandError: If there is none; names those that there are.
    """
    if version not in view.manifests:
        there = ", ".join(map(str, sorted(view.manifests))) or "none"
        raise CommandError(f"version {version} is unknown, wanted one of: {there}")
    return view.manifests[version]


def number_of(view: ChannelView, named: int | str) -> int:
    """The number of a version that is named by it, or by a channel that is at it.

    Raises:
        CommandError: If no channel that is at a version has that name; names those that there are.
    """
    if isinstance(named, int) or re.fullmatch(r"[0-9]{1,18}", named):
        return known(view, int(named)).version
    at = {channel: version for channel, version in view.channels.items() if version}
    if named not in at:
        there = ", ".join(f"{channel} -> {version}" for channel, version in at.items()) or "none"
        versions = ", ".join(map(str, sorted(view.manifests))) or "none"
        raise CommandError(f"{named!r} is neither a version ({versions}) nor a channel that is at one ({there})")
    return known(view, at[named]).version


def overridden(view: ChannelView, registry: Registry, version: int, force: bool) -> list[str]:
    """What `force` overrides for this version to be used: nothing where the gate passed it.

    Raises:
        CommandError: If it is unknown or damaged, or without `force` one that the gate did not pass.
    """
    manifest = known(view, version)
    try:
        registry.fetch(manifest)
    except BundleError as error:
        raise CommandError(f"version {version} is damaged, wanted a whole one: {error}") from error
    decision = view.decisions.get(version)
    if decision is not None and decision.passed:
        return []
    what = f"was refused by the gate ({decision.reason})" if decision else "has no word of the gate"
    if not force:
        raise CommandError(f"version {version} {what}, wanted one that passed; --force overrides it")
    return [f"overridden: version {version} {what}"]
