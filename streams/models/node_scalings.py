"""The newest scaling of each node as the stream tells it, for a process that embeds raw windows."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeAlias

from encoders.scaling import Scaling
from streams.messages.checked import checked_node_scaling
from streams.messages.codec import decode
from streams.messages.rejects import InvalidRecord
from streams.messages.scaling_key import owner_of
from streams.models.log import ModelRecord
from streams.recent import Recent
from streams.records import NodeScaling

log = logging.getLogger(__name__)

# All records of the topic from the first one on, until the event is set; None whenever there are no more at present.
Records: TypeAlias = Callable[[threading.Event], Iterator[ModelRecord | None]]

ANSWER_S = 5.0  # the first question waits for the topic's end, once and no longer than that
REMEMBERED = 100_000


def no_records(stop: threading.Event) -> Iterator[ModelRecord | None]:
    """Those of a stream that tells nothing."""
    yield None


class NodeScalings:
    """What the topic `scalings` says, followed in a thread from the first question on. For any thread.

    Args:
        records: Of the topic.
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self._known: Recent[tuple[str, str], Scaling] = Recent(REMEMBERED)
        self._lock = threading.Lock()
        self._stop, self._is_read = threading.Event(), threading.Event()
        self._patience_s: float | None = None

    def of(self, source_id: str, modality: str) -> Scaling | None:
        """The scaling, None where the stream has told none."""
        self._wait()
        with self._lock:
            return self._known.get((source_id, modality))

    def stop(self) -> None:
        """Follows no more; what is known stays known."""
        self._stop.set()

    def _wait(self) -> None:
        with self._lock:
            if self._patience_s is None:
                self._patience_s = time.monotonic() + ANSWER_S
                threading.Thread(target=self._follow, name="node-scalings", daemon=True).start()
        if not self._is_read.is_set():
            self._is_read.wait(max(0.0, self._patience_s - time.monotonic()))

    def _follow(self) -> None:
        try:
            for record in self._records(self._stop):
                if record is None:
                    self._is_read.set()
                else:
                    self._apply(record)
        except Exception:  # whoever embeds goes on with what is known
            log.exception("the scalings of the stream are not followed any more")
        finally:
            self._is_read.set()

    def _apply(self, record: ModelRecord) -> None:
        if record.value is None:
            with self._lock:
                self._known.pop(owner_of(record.key), None)
            return
        try:
            told = checked_node_scaling(decode(record.value, NodeScaling))
        except InvalidRecord as refusal:
            log.error("scaling of %s at offset %d cannot be used: %s", record.key, record.offset, refusal)
            return
        with self._lock:
            self._known[told.source_id, told.modality] = told.scaling
            self._known.move_to_end((told.source_id, told.modality))
