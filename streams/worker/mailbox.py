"""The model that a worker should bind by: put in by the thread that follows a channel, taken up by the bind stage."""

import threading
from collections.abc import Callable
from typing import NamedTuple

from streams.review.question import Encoders


class WantedModel(NamedTuple):
    """A version, and what gives its encoders by modality, or raises what is wrong with them; version 0 has none."""

    version: int
    load: Callable[[], Encoders]


NO_MODEL = WantedModel(0, dict)


class Mailbox:
    """Holds one wanted model, the newest, and what became of it.

    The bind stage looks at `wanted` between two micro-batches, builds what is not in use yet, and says `settle` or
    `refuse`. Whoever put the model in waits for that word.
    """

    def __init__(self) -> None:
        # Notified of all that changes on a model's way, here and where models are followed.
        self.changed = threading.Condition()
        self.wanted = self.in_use = NO_MODEL
        # Until then whoever binds has nothing, and takes what lies here.
        self.has_begun = False
        self._error: Exception | None = None
        self._is_closed = False

    def put(self, model: WantedModel) -> None:
        """Wants that model from now on, instead of whatever was wanted before."""
        with self.changed:
            self.wanted, self._error = model, None
            self.changed.notify_all()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Returns when the wanted model is in use, or after `timeout_s`; whether it is.

        Raises:
            Exception: What it was refused for; then the one before it is wanted again.
            RuntimeError: If the worker stops first.
        """
        with self.changed:
            self.changed.wait_for(lambda: self.wanted is self.in_use or self._error or self._is_closed, timeout_s)
            if self._error:
                raise self._error
            if self._is_closed and self.wanted is not self.in_use:
                raise RuntimeError("the worker stops")
            return self.wanted is self.in_use

    def withdraw(self, model: WantedModel) -> bool:
        """Wants no other model than the one in use; whether that is this one by now."""
        with self.changed:
            self.wanted = self.in_use
            self.changed.notify_all()
            return self.in_use is model

    def wait_until(self, is_so: Callable[[], bool], timeout_s: float) -> bool:
        """Whether something on a model's way came to be so, waited for at most `timeout_s`."""
        with self.changed:
            return self.changed.wait_for(is_so, timeout_s)

    def settle(self, model: WantedModel) -> None:
        """The model is in use."""
        with self.changed:
            self.in_use, self.has_begun = model, True
            self.changed.notify_all()

    def refuse(self, model: WantedModel, error: Exception) -> None:
        """The model cannot be used: the present one stays."""
        with self.changed:
            if self.wanted is model:
                self.wanted, self._error = self.in_use, error
                self.changed.notify_all()

    def close(self) -> None:
        """Nothing will be taken up any more."""
        with self.changed:
            self._is_closed = True
            self.changed.notify_all()
