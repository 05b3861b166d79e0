"""Which sources a worker forgets: nothing more of them is taken, and the history is read back without them."""

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable

from streams.broker.log import LogError
from streams.forgotten import Forgotten
from streams.messages.checked import check_not_forgotten
from streams.records import Sample

log = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0
# At the start nothing may be bound before it is known what is forgotten.
PATIENCE_S = 30.0


class ForgetStage:
    """`source_id in` it: whether that source is forgotten.

    Args:
        forgotten: What the topic says.
        look_every_s: How often it is asked.
    """

    def __init__(self, forgotten: Forgotten, look_every_s: float = LOOK_EVERY_S) -> None:
        self._forgotten = forgotten
        self._look_every_s = look_every_s
        self._one_at_a_time = threading.Lock()
        self._left: frozenset[str] = frozenset()  # forgotten, and maybe in the history still
        self._erased: frozenset[str] = frozenset()  # forgotten, and nothing is told of them any more

    def __contains__(self, source_id: object) -> bool:
        return source_id in self._forgotten

    def sources(self) -> frozenset[str]:
        """All that are forgotten, as is known by now; the same object while they are the same."""
        return self._forgotten.sources

    def check(self, check: Callable[[Sample], Sample], anew: bool) -> Callable[[Sample], Sample]:
        """The check with one more: that the sample's source is not forgotten, as is known by now.

        Args:
            check: Gives back a sample or raises InvalidRecord.
            anew: Whether all of the history comes by this check, and none is kept.

        Raises:
            LogError: If the broker does not tell which ones are.
        """
        self.look_patiently()
        if anew:
            self._left = frozenset()

        def checked(sample: Sample) -> Sample:
            check_not_forgotten(sample.source_id, self._forgotten)
            return check(sample)

        return checked

    async def watch(
        self, rebuild: Callable[[], Awaitable[None]], erase: Callable[[frozenset[str]], Awaitable[None]]
    ) -> None:
        """Looks for ever which sources are newly forgotten, and has the history built without them.

        Args:
            rebuild: Reads the history back with the present check, and binds by it from then on.
            erase: Takes back what was told of sources; at first it is asked for all that are forgotten, since nobody
                may have been there when they were.
        """
        while True:
            await asyncio.sleep(self._look_every_s)
            try:
                await asyncio.to_thread(self._look)
                if leaving := self._left:
                    await rebuild()
                    self._left -= leaving
                    log.info("%d more sources are forgotten, and are nobody's partners any more", len(leaving))
                sources = self._forgotten.sources
                if unsaid := sources - self._erased:
                    await erase(unsaid)
                self._erased = sources
            except LogError as error:
                log.warning("sources that are to be forgotten are not forgotten yet, trying again: %s", error)

    def _look(self) -> None:
        with self._one_at_a_time:
            self._left |= self._forgotten.poll()

    def look_patiently(self) -> None:
        """Returns when it is known what is forgotten.

        Raises:
            LogError: If the broker does not tell in PATIENCE_S.
        """
        end_s = time.monotonic() + PATIENCE_S
        while True:
            try:
                self._look()
                return
            except LogError:
                if time.monotonic() > end_s:
                    raise
