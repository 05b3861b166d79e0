"""What the log says of the past when partitions are given: where the group stands, and which samples were bound."""

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from streams.broker.group_offsets import GroupOffset, group_offsets
from streams.messages.checked import check_not_forgotten, checked_sample
from streams.messages.message import Message
from streams.messages.topic_names import TopicNames
from streams.records import Sample
from streams.service.crash_notes import CrashNotes
from streams.settings import StreamSettings
from streams.worker.faust_app import group_id
from streams.worker.forget_stage import ForgetStage
from streams.worker.read_back import ReadBack, read_back, samples_in

log = logging.getLogger(__name__)


class Past:
    """Reads what was before this assignment, by the settings of a worker.

    Args:
        settings: Of the worker.
        forget: Which sources' samples are passed over.
    """

    def __init__(self, settings: StreamSettings, forget: ForgetStage) -> None:
        self._settings, self._forget = settings, forget
        self._samples = TopicNames(settings.topics.prefix).samples
        self._check = partial(checked_sample, specs=settings.specs)
        self._data_dir = Path(settings.runtime.data_dir)

    def offsets(
        self, given: Sequence[tuple[str, int]], followed: Sequence[tuple[str, int]] = ()
    ) -> dict[tuple[str, int], GroupOffset]:
        """Where the group stands in the partitions that are given, and in those that are only followed.

        Says what was deleted before it was read, of those that are given.
        """
        offsets = group_offsets(self._settings.broker, group_id(self._settings), given, followed)
        for name, partition in given:
            if n_lost := offsets[name, partition].n_lost:
                log.error(
                    "%d messages of %s, partition %d, were deleted before they were read", n_lost, name, partition
                )
        return offsets

    def history(self, upto: Mapping[int, int | None], anew: bool) -> ReadBack:
        """The last samples of all partitions, and those of these ones up to there.

        Args:
            upto: Partitions, and up to where each was bound; None where nothing was.
            anew: Whether nothing is kept of the history that is there.
        """
        check = self._forget.check(self._check, anew)
        apart = CrashNotes(self._data_dir).taken_apart
        return read_back(self._settings.broker, self._samples, upto, self._settings.index.history_samples, check, apart)

    def bound(self, upto: Mapping[int, int]) -> list[Sample]:
        """The samples up to there, without those of sources that are forgotten by now."""
        return self.history(dict(upto), anew=False).bound(dict.fromkeys(upto, 0))

    def samples_of(self, message: Message) -> list[Sample]:
        """Those of a message that could be bound, by what is known by now of sources that are forgotten."""

        def checked(sample: Sample) -> Sample:
            check_not_forgotten(sample.source_id, self._forget)
            return self._check(sample)

        return samples_in(CrashNotes(self._data_dir).taken_apart(message), checked)
