"""Later rounds in a process of their own: they take as much time as new samples do, and would take turns with them.

What is asked there comes out the same to the last bit. Where that process is gone, the round is asked here and another
process is started: nothing is lost by its end.
"""

import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Collection, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from encoders.nets import use_threads
from streams.history.table import SampleTable
from streams.review.parcel import Computed, Parcel, computed_of, pack, unpack
from streams.review.question import Encoders, Found, Question, Said
from streams.review.round_job import Ask
from streams.settings import StreamSettings

log = logging.getLogger(__name__)


class _Answered(NamedTuple):
    found: Found
    said: Said
    computed: Computed


class RoundProcess:
    """Asks questions of tables, one after the other, in one other process.

    Args:
        shared: The modalities that bind.
        threads: That torch may use there.
    """

    def __init__(self, shared: Collection[str], threads: int = 1) -> None:
        self._shared, self._threads = tuple(shared), threads
        self._lock = threading.Lock()
        self._sent: Encoders | None = None
        self._pool = self._started()

    def ask(self, question: Question, table: SampleTable, codes: np.ndarray, encoders: Encoders, judged: bool) -> Found:
        """As `Question.answer`; blocks, without holding up other threads."""
        with self._lock:
            try:
                answered = self._ask(question, table, codes, encoders, judged)
            except BrokenProcessPool:
                log.warning("the process of later rounds has ended; another one is started, and this round asked here")
                self._pool, self._sent = self._started(), None
                return question.answer(table, codes, encoders, judged)
        question.learn(answered.said)
        unpack(answered.computed, table)
        return answered.found

    @property
    def pid(self) -> int:
        """Of the other process, once it has started."""
        return self._pool.submit(os.getpid).result()

    def close(self) -> None:
        """Ends the process, once it has answered."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _ask(
        self, question: Question, table: SampleTable, codes: np.ndarray, encoders: Encoders, judged: bool
    ) -> _Answered:
        if encoders is not self._sent:
            self._pool.submit(_take_encoders, encoders).result()
            self._sent = encoders
        parcel = pack(table, self._shared, encoders, judged)
        return self._pool.submit(_answer, question, parcel, codes, judged).result()

    def _started(self) -> ProcessPoolExecutor:
        # Spawned: a fork of a process with threads may hang.
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(1, mp_context=context, initializer=_begin, initargs=(self._threads,))
        pool.submit(os.getpid)  # it starts with the first that is asked of it
        return pool


@contextmanager
def rounds_of(settings: StreamSettings) -> Iterator[Ask]:
    """How later rounds are asked while this lasts: in a process that is started now, if there are any."""
    if not settings.binding.review_samples:
        yield Question.answer
        return
    names = [settings.shared_modality, *settings.binding.also_shared]
    process = RoundProcess(names, settings.runtime.threads)
    try:
        yield process.ask
    finally:
        process.close()


# Of the other process: the encoders that it was given last.
_encoders: Encoders = {}


def _begin(threads: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is for the worker, which ends this one
    use_threads(threads)
    parent = multiprocessing.parent_process()
    assert parent is not None, "started by RoundProcess"
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: multiprocessing.process.BaseProcess) -> None:
    """A worker that is killed cannot end its processes."""
    parent.join()
    os._exit(0)


def _take_encoders(encoders: Encoders) -> None:
    global _encoders
    _encoders = encoders


def _answer(question: Question, parcel: Parcel, codes: np.ndarray, judged: bool) -> _Answered:
    table = parcel.table
    found = question.answer(table, codes, _encoders, judged)
    return _Answered(found, question.said, computed_of(table, parcel.computed))
