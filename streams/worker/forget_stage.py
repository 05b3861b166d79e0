"""Which sources a worker forgets: nothing more of them is taken, and the history is read back without them."""

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable

from streams.broker.log import LogError
from streams.forgotten import Forgotten
from streams.messages.checked import check_not_forgotten
from streams.messages.topic_names import TopicNames
from streams.records import Sample
from streams.settings import StreamSettings

log = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0
# At the start nothing may be bound before it is known what is forgotten.
PATIENCE_S = 30.0


class ForgetStage:
    """`source_id in` it: whether that source is forgotten.

    Args:
        settings: Of the worker.
    """

    def __init__(self, settings: StreamSettings) -> None:
        self._forgotten = Forgotten(settings.broker, TopicNames(settings.topics.prefix).forgotten)
        self._one_at_a_time = threading.Lock()

    def __contains__(self, source_id: object) -> bool:
        return source_id in self._forgotten

    def check(self, check: Callable[[Sample], Sample]) -> Callable[[Sample], Sample]:
        """The check with one more: that the sample's source is not forgotten, as is known by now.

        Raises:
            LogError: If the broker does not tell which ones are.
        """
        self._look_patiently()

        def checked(sample: Sample) -> Sample:
            check_not_forgotten(sample.source_id, self._forgotten)
            return check(sample)

        return checked

    async def watch(self, rebuild: Callable[[], Awaitable[None]]) -> None:
        """Looks for ever which sources are newly forgotten, and has the history built without them.

        Args:
            rebuild: Reads the history back with the present check, and binds by it from then on.
        """
        fresh: frozenset[str] = frozenset()
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                fresh |= await asyncio.to_thread(self._look)
                if fresh:
                    await rebuild()
            except LogError as error:
                log.warning("sources that are to be forgotten are not forgotten yet, trying again: %s", error)
                continue
            if fresh:
                log.info("%d more sources are forgotten, and are nobody's partners any more", len(fresh))
            fresh = frozenset()

    def _look(self) -> frozenset[str]:
        with self._one_at_a_time:
            return self._forgotten.poll()

    def _look_patiently(self) -> None:
        end_s = time.monotonic() + PATIENCE_S
        while True:
            try:
                self._look()
                return
            except LogError:
                if time.monotonic() > end_s:
                    raise
