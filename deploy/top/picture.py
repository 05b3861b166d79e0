"""What is known of a running stream, made of messages and pages. Performs no I/O and reads no clock."""

import math
from collections import Counter, deque
from collections.abc import Iterable
from typing import Literal, TypeAlias

import msgspec

from deploy.followers.standing import Standing, standings
from deploy.rejects.record import RefusedRecord, refused_record
from deploy.top.flow import Flow
from deploy.top.heads import BindingHead, SampleHead
from deploy.top.node import Node
from deploy.top.pages import Page
from streams.labels import LABEL
from streams.messages.message import Message
from streams.messages.topic_names import TopicNames
from streams.models.channels import ChannelView
from streams.models.rollout import trial
from streams.recent import Recent
from streams.records import ChannelMove, FollowerReport
from streams.settings import StreamSettings

Service: TypeAlias = Literal["worker", "trainer"]

MAX_NODES = 10_000
# Lag is compared with what it was so long ago.
LAG_S = 30.0
MIN_LAG = 100


class Picture:
    """All that a screen shows; a message of any of the five topics changes it."""

    def __init__(self, settings: StreamSettings) -> None:
        self.settings = settings
        self.names = TopicNames(settings.topics.prefix)
        self.trouble = ""
        self.worker, self.trainer = Page(), Page()
        self.nodes: Recent[str, Node] = Recent(MAX_NODES)
        self.samples, self.bindings, self.pairs, self.rejects = Flow(), Flow(), Flow(), Flow()
        self.outcomes: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.last_reject: dict[str, RefusedRecord] = {}
        self.view = ChannelView()
        self.now_ms = 0
        self._reports: dict[str, FollowerReport] = {}
        self._lags: deque[tuple[int, dict[Service, int]]] = deque()

    def note_time(self, now_ms: int) -> None:
        """It is so late now, as Unix time."""
        self.now_ms = now_ms

    def note_pages(self, worker: Page, trainer: Page) -> None:
        """What the services say now."""
        self.worker, self.trainer = worker, trainer
        self._lags.append((self.now_ms, {"worker": worker.lag, "trainer": trainer.lag}))
        while self.now_ms - self._lags[0][0] > 2 * LAG_S * 1000:
            self._lags.popleft()

    def note(self, message: Message) -> None:
        """One message of `samples`, `pairs`, `rejects`, `models` or `followers`."""
        at_ms = message.timestamp_ms or self.now_ms
        if message.topic == self.names.samples:
            self._note_samples(message.decoded(SampleHead)[0], at_ms)
        elif message.topic == self.names.pairs:
            self._note_bindings(message.decoded(BindingHead)[0], at_ms)
        elif message.topic == self.names.rejects:
            self._note_reject(message, at_ms)
        elif message.topic == self.names.models:
            self.view.apply(message.key or b"", message.value, message.offset)
        else:
            self._note_report(message)

    def note_skipped(self, topic: str, n_messages: int, is_past: bool) -> None:
        """So many messages of a topic were passed over: of before this began, or since more came than can be read."""
        flow = {self.names.samples: self.samples, self.names.pairs: self.bindings}.get(topic, self.rejects)
        flow.note_skipped(n_messages, None if is_past else self.now_ms)

    def _note_samples(self, heads: Iterable[SampleHead], at_ms: int) -> None:
        n_heads = 0
        for head in heads:
            node = self.nodes.get(head.source_id)
            if node is None:
                node = self.nodes[head.source_id] = Node(head.source_id)
            node.note(head, at_ms)
            n_heads += 1
        self.samples.note(at_ms, n_heads)

    def _note_bindings(self, heads: list[BindingHead], at_ms: int) -> None:
        first = [head for head in heads if head.round == 0]
        self.outcomes.update(head.outcome for head in first)
        self.bindings.note(at_ms, len(first))
        self.pairs.note(at_ms, sum(len(head.partners) for head in first))

    def _note_reject(self, message: Message, at_ms: int) -> None:
        self.rejects.note(at_ms)
        if (record := refused_record(message)) is not None:
            self.reasons[record.reason] += 1
            self.last_reject[record.reason] = record

    def _note_report(self, message: Message) -> None:
        key = (message.key or b"").decode(errors="replace")
        if message.value is None:
            self._reports.pop(key, None)
            return
        try:
            self._reports[key] = msgspec.json.decode(message.value, type=FollowerReport)
        except (msgspec.MsgspecError, RecursionError):
            return

    @property
    def busiest(self) -> list[Node]:
        """All nodes, those with the most samples of late first; of those that have about as many, by name."""
        return sorted(self.nodes.values(), key=lambda one: (-_step(self.rate(one)), one.source_id))

    def rate(self, node: Node) -> float:
        """Its samples a second."""
        return node.flow.per_s(self.now_ms, self.samples)

    def share(self, kind: str) -> float | None:
        """Of the last samples of all nodes, those that are "whole" or "single"; None before there are any."""
        n = sum(node.n_watched for node in self.nodes.values())
        found = sum(node.n_whole if kind == "whole" else node.n_single for node in self.nodes.values())
        return found / n if n else None

    @property
    def second_sensors(self) -> list[str]:
        """Modalities that do not bind and that two nodes or more have: they can bear pairs out."""
        binding = {self.settings.shared_modality, *self.settings.binding.also_shared, LABEL}
        owners = Counter(name for node in self.nodes.values() if not node.is_held_out for name in node.modalities)
        return sorted(name for name, n in owners.items() if n > 1 and name not in binding)

    @property
    def followers(self) -> list[Standing]:
        """How each stands that said something."""
        reports = sorted(self._reports.values(), key=lambda one: one.follower_id)
        return standings(reports, self.view, self.now_ms * 1_000_000)

    @property
    def served(self) -> int:
        """The version that the channel points at; 0 for none."""
        return self.view.current(self.settings.registry.channel) or 0

    @property
    def trial(self) -> ChannelMove | None:
        """The move that put a version on trial, if one is."""
        return trial(self.view, self.settings.registry.channel)

    @property
    def silent_s(self) -> float:
        """How long ago the last sample was written; 0 before the first one."""
        heard_ms = max((node.heard_ms for node in self.nodes.values()), default=self.now_ms)
        return max(0, self.now_ms - heard_ms) / 1000

    def lag_growth(self, service: Service) -> int:
        """By how many messages it is further behind than half a minute ago; 0 unless that is clear."""
        past = [lags[service] for at_ms, lags in self._lags if self.now_ms - at_ms >= LAG_S * 1000]
        now = self._lags[-1][1][service] if self._lags else 0
        return now - past[-1] if past and now > MIN_LAG + 1.5 * past[-1] else 0


def _step(per_s: float) -> int:
    """The rate on a scale of halves of doublings, so that nodes that are alike do not change places all the time."""
    return round(2 * math.log2(max(per_s, 0.01)))
