"""Pictures of streams that never ran: messages as services write them, and pages as they answer."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import msgspec

from deploy.top.pages import Page
from deploy.top.picture import Picture
from streams.messages.message import Message
from streams.messages.outbox import Outbox, OutMessage
from streams.messages.rejects import InvalidRecord, Reason
from streams.settings import StreamSettings
from streams.testing import SyntheticWorld
from tests.support.reports import binding, sample

NOW_MS = 1_700_000_000_000
SETTINGS = SyntheticWorld(2).settings()
SHARED = SETTINGS.shared_modality
WITNESS, OTHER = (name for name in SETTINGS.modalities if name != SHARED)
STATE = "mmbind_pair_precision_state"
WELL = {"mmbind_windows_total": 400.0, f'{STATE}{{state="estimated"}}': 1.0, "mmbind_pair_precision_estimate": 0.8}


def page(*reasons: str, **metrics: float) -> Page:
    """Of a service that answers."""
    return Page("127.0.0.1:9464", {"mmbind_build_info": 1.0, **metrics}, reasons)


def arrived(messages: Iterable[OutMessage], at_ms: int) -> Iterator[Message]:
    """As a reader of the topic gets them."""
    for n, out in enumerate(messages):
        yield Message(out.topic, out.partition or 0, n, out.key, out.value, out.headers, at_ms)


class Scene:
    """A stream that is well, unless it is told otherwise."""

    def __init__(self, settings: StreamSettings = SETTINGS) -> None:
        self.picture, self._outbox = Picture(settings), Outbox(settings.topics)
        self.picture.note_time(NOW_MS)
        self.answer(WELL)

    def answer(self, worker: dict[str, float] | Page, trainer: Page | None = None) -> "Scene":
        """Worker and trainer say so."""
        said = worker if isinstance(worker, Page) else replace(page(), metrics=worker)
        self.picture.note_pages(said, trainer or page())
        return self

    def samples(self, node: str, n: int = 10, *kinds: tuple[str, ...], **more: Any) -> "Scene":
        """The node's last samples, one a second up to now, with these modalities in turn."""
        kinds = kinds or ((SHARED, WITNESS),)
        made = [sample(f"{node}@{at}", *kinds[at % len(kinds)]) for at in range(n)]
        ago_s = more.pop("ago_s", 0)
        for at, one in enumerate(made):
            told = Outbox(self.picture.settings.topics).samples([_with(one, more)])
            self.note(arrived(told, NOW_MS - 1000 * (n - 1 - at + ago_s)))
        return self

    def bindings(self, n: int = 200, outcome: str = "bound") -> "Scene":
        """So many samples are bound, each with a partner."""
        made = [binding(f"a@{at}", ("b@0", 1.0)) for at in range(n)]
        self.note(arrived(self._outbox.bindings([_with(one, {"outcome": outcome}) for one in made]), NOW_MS))
        return self

    def refused(self, node: str, n: int = 10, reason: Reason = "shape") -> "Scene":
        """So many windows of the node are refused."""
        came = Message(self.picture.names.windows(SHARED), 0, 0, node.encode(), b"x")
        for _ in range(n):
            reject = came.reject(0, b"x", InvalidRecord(reason, "values", "[50, 4]", "[50, 3]"), 1_000_000)
            self.note(arrived(self._outbox.rejects([reject]), NOW_MS))
        return self

    def models(self, *records: tuple[bytes, bytes]) -> "Scene":
        """Records of the topic of models."""
        for offset, (key, value) in enumerate(records):
            self.picture.note(Message(self.picture.names.models, 0, offset, key, value))
        return self

    def note(self, messages: Iterable[Message]) -> None:
        for message in messages:
            self.picture.note(message)

    @classmethod
    def well(cls) -> "Scene":
        """Two nodes and a third that is held out; all is bound."""
        return cls().samples("a").samples("b").samples("c", held_out=True).bindings()


def _with(record: Any, more: dict[str, Any]) -> Any:
    return msgspec.structs.replace(record, **more)
