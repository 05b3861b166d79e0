"""What encoders have learned from: how many windows of each modality, and which sources. Performs no I/O."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from streams.recent import RecentKeys
from trainer.step.edges import EdgeBatch

# Named in a manifest, which must fit into a message; of more, the first ones go.
MAX_SOURCES = 2000


class Taught:
    """Grows with each batch.

    Args:
        facts: Of an earlier one.
    """

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self.windows: Counter[str] = Counter(facts.get("trained", {}))
        self._sources: RecentKeys[str] = RecentKeys(MAX_SOURCES)
        for source in facts.get("sources", ()):
            self._sources.note(source)

    @property
    def sources(self) -> Sequence[str]:
        """Those of which a window was in a batch, in alphabetical order."""
        return sorted(self._sources)

    def note(self, batch: EdgeBatch) -> None:
        """A step was taken with this batch."""
        items = {one.sample_id: one for one in (*batch.anchors, *batch.partners) if one is not None}
        for item in items.values():
            self.windows.update(item.windows.keys())
            self._sources.note(item.source_id)

    def facts(self) -> dict[str, Any]:
        """The same in what JSON can hold."""
        return {"trained": dict(self.windows), "sources": list(self._sources)}
