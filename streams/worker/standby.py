"""What lets a worker that binds nothing take over at once: its history follows that of the one that binds.

It reads `samples` along, as a reader and not as a member of the group, and takes in what the other one has bound as far
as that is committed. What is not committed comes again to whoever binds next, and must be new to it.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence

from streams.broker.log import LogError, LogReader
from streams.messages.message import Message
from streams.messages.topic_names import TopicNames
from streams.records import Sample
from streams.settings import StreamSettings
from streams.worker.bind_stage import BindStage
from streams.worker.faust_app import group_id
from streams.worker.read_back import Placed

log = logging.getLogger(__name__)

FOLLOW_EVERY_S = 1.0
STANDS_BY = "stands by: binds nothing, another worker does; takes over when it goes"


class Standby:
    """Keeps the history of a bind stage current while `is_on`.

    Args:
        settings: Of the worker.
        bind: Whose history it is.
        samples_of: Gives the samples of a message that could be bound.
    """

    def __init__(
        self, settings: StreamSettings, bind: BindStage, samples_of: Callable[[Message], Sequence[Sample]]
    ) -> None:
        self._settings, self._bind, self._samples_of = settings, bind, samples_of
        self._topic = TopicNames(settings.topics.prefix).samples
        self._reader: LogReader | None = None
        self._is_away = False
        self.is_on = False

    def remembered(self, own: Sequence[int]) -> list[int]:
        """The partitions whose samples the history is to hold: a worker's own, or the only one there is.

        Of several nobody knows which one a worker would be given next: then a history is read back when it is.
        """
        return list(own) or ([0] if self._settings.topics.sample_partitions == 1 else [])

    async def run(self) -> None:
        """Follows for ever, whenever it is on."""
        while True:
            await asyncio.sleep(FOLLOW_EVERY_S)
            if self.is_on:
                await self.follow()
            else:
                await asyncio.to_thread(self._leave)

    async def follow(self) -> None:
        """Takes in what was bound and committed by now; a broker that is away is asked again the next time."""
        try:
            placed, upto = await asyncio.to_thread(self._read, self._bind.upto)
        except LogError as error:
            if not self._is_away:
                log.warning("the history cannot follow the worker that binds, trying again: %s", error)
            self._is_away = True
            await asyncio.to_thread(self._leave)
            return
        self._is_away = False
        await self._bind.follow(placed, upto)

    def _read(self, starts: Mapping[int, int]) -> tuple[list[Placed], dict[int, int]]:
        if self._reader is None:
            self._reader = LogReader(self._settings.broker, self._topic, starts, group_id=group_id(self._settings))
        ends = {p: end for p, end in self._reader.committed().items() if end > starts[p]}
        messages = self._reader.read(starts, ends) if ends else ()
        return [(message, sample) for message in messages for sample in self._samples_of(message)], ends

    def _leave(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None
