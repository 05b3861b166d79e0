"""One round while its table is being asked, beside the samples that go on coming. Performs no I/O, reads no clock."""

import threading
from typing import NamedTuple

import numpy as np

from streams.history.table import SampleTable
from streams.review.question import Encoders, Found, Question
from streams.review.selection import Selection


class Begun(NamedTuple):
    """A round: who is asked, how many samples had come, and whether the estimate is made anew."""

    chosen: Selection
    begun_at: int
    is_judged: bool


class RoundJob:
    """Asks a table in a thread of its own; what comes of it is looked at when a counted sample has come.

    Args:
        question: Asked of the table, as it is now; what is said of the table stands in the `question` of the job.
        table: Nobody else computes anything of its rows until the job has ended.
        codes: `[N]` of their modalities.
        begun: The round.
        version: Of the model whose encoders are used.
    """

    def __init__(self, question: Question, table: SampleTable, codes: np.ndarray, begun: Begun, version: int) -> None:
        self.question = question.copy()
        self.table, self.codes = table, codes
        self.begun, self.version = begun, version
        self._found: Found | None = None
        self._error: Exception | None = None
        self._thread: threading.Thread | None = None

    def start(self, encoders: Encoders) -> None:
        """Begins to ask."""
        self._thread = threading.Thread(target=self._ask, args=(encoders,), name="round", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Returns when all was computed."""
        if self._thread is not None:
            self._thread.join()

    def found(self) -> Found | None:
        """The partners of all samples of the table, None where there is nobody to ask; waits if need be.

        Raises:
            Exception: What came up while the table was asked.
        """
        self.wait()
        if self._error is not None:
            raise self._error
        return self._found

    def _ask(self, encoders: Encoders) -> None:
        try:
            if len(self.table) > 1:
                self._found = self.question.answer(self.table, self.codes, encoders, self.begun.is_judged)
        except Exception as error:
            self._error = error
