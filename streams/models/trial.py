"""Which version a follower tries beside the one that it serves, and its files."""

import logging
import time
from collections.abc import Callable, Iterable

from encoders.bundle import ModelBundle
from streams.models import rollout
from streams.models.channels import ChannelView
from streams.models.tries import BundleSource, Tries, announced, fetched
from streams.records import Rollout

log = logging.getLogger(__name__)

OnTrial = Callable[[Rollout | None, ModelBundle | None], None]


class TrialWatch:
    """Calls `on_trial` with each version that this follower is to try, and with None when it is over.

    `on_trial(rollout, bundle)` returns when the version is loaded beside the served one; if it raises, none is tried.
    It is called again with the same bundle where only the rollout changed, for instance to more followers. A trial that
    ends is dropped when there are no more records at present: where its version is promoted a record later, its files
    are still at hand (`bundle`). A ModelWatch calls it, in its thread.

    Args:
        source: Where bundles are fetched from.
        on_trial: See above.
        channel: Whose followers are meant.
        follower_id: Decides whether this one takes part.
        modalities: Those whose encoders are fetched; all without it.
        now_s: A clock that never goes back.
    """

    def __init__(
        self,
        source: BundleSource,
        on_trial: OnTrial,
        *,
        channel: str,
        follower_id: str,
        modalities: Iterable[str] | None = None,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source, self._on_trial = source, on_trial
        self._channel, self._follower_id = channel, follower_id
        self._modalities = None if modalities is None else tuple(modalities)
        self.tries = Tries(now_s)
        self.bundle: ModelBundle | None = None
        self._rollout: Rollout | None = None
        self._seq = 0

    @property
    def version(self) -> int:
        """That of the version that is tried; 0 where none is."""
        return self.bundle.manifest.version if self.bundle else 0

    def consider(self, view: ChannelView, served: int, is_idle: bool) -> bool:
        """Acts on what the topic says; whether something changed that a report should say.

        Args:
            view: Up to date with the topic.
            served: The version that is served.
            is_idle: Whether there are no more records at present.
        """
        move = rollout.trial(view, self._channel)
        wanted = move if move and rollout.takes_part(move, self._follower_id) and move.version != served else None
        seq, self._seq = self._seq, move.seq if move else 0
        if seq != self._seq:
            self.tries.forget()
        if wanted is None:
            return self._end() if self.bundle and (is_idle or self.version == served) else False
        if (wanted.version, wanted.rollout) == (self.version, self._rollout) or not self.tries.may_try(wanted.version):
            return False
        return self._begin(view, wanted.version, wanted.rollout)

    def _begin(self, view: ChannelView, version: int, how: Rollout | None) -> bool:
        try:
            if self.bundle is None or self.version != version:
                self._end()
                self.bundle = fetched(self._source, announced(view, version), self._modalities)
            self._on_trial(how, self.bundle)
        except Exception as error:  # whatever is wrong with it, the present one goes on
            self.bundle = self._rollout = None
            self.tries.fail(version, error)
            log.error("version %d is not tried here: %s", version, self.tries.last_error)
        else:
            self._rollout = how
            self.tries.succeed()
            log.info("version %d is tried beside the one served", version)
        return True

    def _end(self) -> bool:
        had, self.bundle, self._rollout = self.bundle, None, None
        if had is None:
            return False
        self._on_trial(None, None)
        self.tries.succeed()
        log.info("version %d is tried no more", had.manifest.version)
        return True
