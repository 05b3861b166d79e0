"""Moves channels by hand. Of several who move one at once exactly one does it, and the others are told who."""

import time
from collections.abc import Callable

from deploy.errors import CommandError
from deploy.models.usable import number_of, overridden
from streams.broker.connection import connect_or_explain
from streams.models.channels import ChannelView, move_record
from streams.models.registry import Registry
from streams.models.rollout import CANARY
from streams.records import ChannelMove, Rollout
from streams.settings import StreamSettings
from trainer.topics.models import KafkaModels


class Operator:
    """A person at the channels. Each move records who, when, why and from what.

    Args:
        settings: Broker, topics, registry.
        by: Who it is.
        reason: Why; for the history.
        force: Overrides a pin, and the gate's word; the move says so.
        models: The topic; that of the settings without it.
    """

    def __init__(
        self,
        settings: StreamSettings,
        by: str,
        reason: str = "",
        *,
        force: bool = False,
        models: KafkaModels | None = None,
    ) -> None:
        self._settings, self._by, self._reason, self._force = settings, by, reason or "by hand", force
        self._models = models or KafkaModels(settings.broker, settings.topics.prefix)
        self._registry = Registry.of(settings.registry)

    def promote(self, channel: str, named: int | str) -> str:
        """Points a channel at a version, named by number or by another channel that is at it; says what was done.

        Raises:
            CommandError: If the version cannot be used, the channel is pinned, or somebody moved it first.
        """
        view = self._view()
        version = number_of(view, named)
        if view.current(channel) == version:
            return f"{channel} is at version {version} already: nothing was changed"
        told = [*self._unpinned(view, channel), *overridden(view, self._registry, version, self._force)]
        return self._move(view, channel, version, told)

    def rollback(self, channel: str) -> str:
        """Points a channel at the version that it had before its present one; says what was done.

        Raises:
            CommandError: If there was none, it cannot be used, the channel is pinned, or somebody moved it first.
        """
        view = self._view()
        version = view.before(channel)
        if version is None:
            now = view.current(channel)
            raise CommandError(f"{channel} is at version {now or 'none'}, and there was none before it: wanted one")
        told = self._unpinned(view, channel)
        # What was used before may be used again, whatever the gate said.
        told += ["rolled back", *overridden(view, self._registry, version, force=True)] if version else ["rolled back"]
        return self._move(view, channel, version, told)

    def pin(self, channel: str, named: int | str) -> str:
        """Points a channel at a version and keeps it there: the trainer moves it no more; says what was done.

        Raises:
            CommandError: If the version cannot be used, or somebody moved the channel first.
        """
        view = self._view()
        version, pin = number_of(view, named), view.pin(channel)
        if pin and pin.version == version:
            return f"{channel} is pinned to version {version} already, by {pin.by}: nothing was changed"
        told = [*self._unpinned(view, channel), *overridden(view, self._registry, version, self._force)]
        return self._move(view, channel, version, ["pinned", *told], pinned=True)

    def unpin(self, channel: str) -> str:
        """Lets the trainer move the channel again; says what was done.

        Raises:
            CommandError: If it is not pinned, or somebody moved it first.
        """
        view = self._view()
        pin = view.pin(channel)
        if pin is None:
            raise CommandError(f"{channel} is not pinned, wanted a channel that is")
        return self._move(view, channel, pin.version, ["unpinned"])

    def try_out(self, version: int, plan: Callable[[ChannelView], Rollout]) -> Rollout:
        """Puts a version on trial; the plan.

        Raises:
            CommandError: If the version cannot be used, the channel is pinned, or somebody moved `canary` first.
        """
        view = self._view()
        rollout = plan(view)
        told = [*self._unpinned(view, rollout.channel), *overridden(view, self._registry, version, self._force)]
        self._move(view, CANARY, version, told, rollout=rollout)
        return rollout

    def end_trial(self, move: ChannelMove) -> str:
        """Ends a trial; says what was done.

        Raises:
            CommandError: If somebody moved `canary` first.
        """
        self._move(self._view(), CANARY, 0, [f"version {move.version} ended"])
        return f"version {move.version} is no longer on trial"

    def close(self) -> None:
        """Leaves the broker."""
        self._models.close()

    def _view(self) -> ChannelView:
        return connect_or_explain(self._models.refresh, self._settings.broker)

    def _unpinned(self, view: ChannelView, channel: str) -> list[str]:
        pin = view.pin(channel)
        if pin is None:
            return []
        what = f"{channel} is pinned to version {pin.version} by {pin.by}"
        if not self._force:
            raise CommandError(f"{what}: wanted one that is not; `mmbind models unpin {channel}`, or --force")
        return [f"overridden: {what}"]

    def _move(
        self,
        view: ChannelView,
        channel: str,
        version: int,
        told: list[str],
        *,
        pinned: bool = False,
        rollout: Rollout | None = None,
    ) -> str:
        reason, now_ns = "; ".join([*told, self._reason]), time.time_ns()
        record = move_record(view, channel, version, reason, self._by, now_ns, rollout=rollout, pinned=pinned)
        self._models.append(record)
        after = self._models.refresh()
        if not after.counted(record[0]):
            seq = len(view.history(channel))
            first = after.history(channel)[seq]
            raise CommandError(
                f"{channel} was moved to {first.version} by {first.by} first, "
                f"{max(0, (time.time_ns() - first.at_ns) // 10**9)} s ago: nothing was changed"
            )
        before = view.current(channel) or "none"
        return f"{channel} is at version {version}, {reason}" + f"; it was at {before}" * (before != version)
