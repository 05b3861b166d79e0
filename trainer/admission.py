"""Bindings into the replay buffer, but for those that ended two trainers or that a later round replaces at once."""

import logging
from collections.abc import Mapping, Sequence

from streams.messages.message import Message
from streams.messages.rejects import InvalidRecord
from streams.records import Sample
from streams.service.crash_notes import CrashNotes
from trainer.learner import Learner
from trainer.topics.arrived import ArrivedBinding
from trainer.topics.bindings import BindingIntake

log = logging.getLogger(__name__)


class Admission:
    """Hands Bindings to the learner.

    Args:
        learner: Takes them.
        intake: Where they came from; counts what is passed over.
        prefix: Of the topics.
        crashes: What trainers of this folder were at when they crashed.
    """

    def __init__(self, learner: Learner, intake: BindingIntake, prefix: str, crashes: CrashNotes) -> None:
        self._learner, self._intake = learner, intake
        self._topic, self._crashes = f"{prefix}pairs", crashes

    def wanted(self, batch: Sequence[ArrivedBinding]) -> list[str]:
        """Ids of the samples that are to be found before these can be admitted."""
        return [one.sample_id for one in batch if self._learner.needs_sample(one.sample_id, one.round)]

    def before_a_cycle(self, batch: Sequence[ArrivedBinding]) -> int:
        """How many of the batch, one at least, come before the next cycle can be due: a cycle counts first rounds."""
        n_wanted = self._learner.cycles.n_until_next
        for number, arrived in enumerate(batch, 1):
            n_wanted -= not arrived.round
            if n_wanted <= 0:
                return number
        return len(batch)

    def admit(self, part: Sequence[ArrivedBinding], found: Mapping[str, Sample]) -> None:
        """Takes Bindings between which no cycle comes with their samples.

        A later round that a still later one of them replaces is passed over unread: nothing is trained in between. The
        first is not, since it brings the sample.
        """
        newest: dict[str, int] = {}
        for arrived in part:
            if arrived.round and not self._learner.knows(arrived.sample_id, arrived.round):
                newest[arrived.sample_id] = max(arrived.round, newest.get(arrived.sample_id, 0))
        for arrived in part:
            if 0 < arrived.round < newest.get(arrived.sample_id, 0):
                self._learner.pass_over(arrived.sample_id, arrived.round)
            else:
                self._admit(arrived, found)
            self._intake.done(arrived)

    def _admit(self, arrived: ArrivedBinding, found: Mapping[str, Sample]) -> None:
        """What ended two trainers is passed over, and its place in the log told; so is what is no Binding after all."""
        message = Message(self._topic, arrived.partition, arrived.offset, None, arrived.raw)
        if refusal := self._crashes.judged(message).refusal:
            log.error("a Binding of %s[%d] at %d is set aside: %s", *message.place, refusal.detail)
            self._intake.n_unreadable += 1
            return
        with self._crashes.noted([message]):
            try:
                binding = arrived.binding()
            except InvalidRecord as error:
                log.error("a record of %s[%d] at %d is no Binding: %s", *message.place, error)
                self._intake.n_unreadable += 1
                return
            self._learner.admit(binding, found)
