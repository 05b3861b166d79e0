"""Bindings into the replay buffer, but for those that ended two trainers."""

import logging
from collections.abc import Mapping

from streams.messages.codec import encode
from streams.messages.message import Message
from streams.records import Sample
from streams.service.crash_notes import CrashNotes
from trainer.learner import Learner
from trainer.topics.bindings import ArrivedBinding, BindingIntake

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

    def admit(self, arrived: ArrivedBinding, found: Mapping[str, Sample]) -> None:
        """Takes it in with its samples; what ended two trainers is passed over, and its place in the log told."""
        message = Message(self._topic, arrived.partition, arrived.offset, None, encode(arrived.binding))
        if refusal := self._crashes.judged(message).refusal:
            log.error("a Binding of %s[%d] at %d is set aside: %s", *message.place, refusal.detail)
            self._intake.n_unreadable += 1
            return
        with self._crashes.noted([message]):
            self._learner.admit(arrived.binding, found)
