"""Nodes that share no sensor, bound by what their windows are labelled: what tests of several packages need of them."""

from collections.abc import Callable, Iterator, Sequence

import msgspec

from streams.labels import LABEL, LabelKind
from streams.pipeline import Bound, Pipeline
from streams.records import Binding, Label, Sample, SensorWindow
from streams.settings import StreamSettings
from streams.testing import SyntheticWorld
from tests.support.recorded import small_settings

# Nodes with gravity only and nodes with a gyroscope only; nobody has what the world is bound by elsewhere.
WORLD = SyntheticWorld(n_sources=6, n_classes=4, n_complete=1, held_out=1, seed=3)
N_SLOTS = 24
SMALL = small_settings(cycle_bindings=48, steps_per_cycle=4)


class LabelWorld(SyntheticWorld):
    """The same, for who makes settings and topics of a world."""

    def settings(self, **sections: object) -> StreamSettings:
        """Settings for a worker in this world; `sections` replace whole sections."""
        return settings(**sections)  # type: ignore[arg-type]


def windows(name: Callable[[SensorWindow], Label | None] = lambda one: one.label) -> list[SensorWindow]:
    """What the nodes send, labelled as `name` says; held-out nodes have both sensors."""
    sent = []
    for one in WORLD.windows(N_SLOTS):
        if one.modality != WORLD.shared:
            sent.append(msgspec.structs.replace(one, label=name(one)))
    return sent


def settings(kind: LabelKind = "exact", **sections: object) -> StreamSettings:
    """Settings that bind by labels; `sections` replace whole sections."""
    known = WORLD.settings().model_dump()
    del known["modalities"][WORLD.shared], known["binding"], known["index"]
    return StreamSettings.model_validate(known | {"shared_modality": LABEL, "labels": {"kind": kind}, **sections})


def bound(given: Sequence[SensorWindow], with_: StreamSettings, piece: int = 1000) -> Bound:
    """All that comes of these windows, fed `piece` at a time, and of a last look at the history."""
    pipeline, whole = Pipeline(with_), Bound([], [])
    for start in range(0, len(given), piece):
        whole += pipeline.feed(given[start : start + piece])
    return whole + pipeline.flush() + pipeline.review()


def edges(result: Bound) -> Iterator[tuple[Sample, Sample, Binding]]:
    """Each sample with each of its partners, and the Binding that says so."""
    samples = {one.sample_id: one for one in result.samples}
    for binding in result.bindings:
        for partner in binding.partners:
            yield samples[binding.sample_id], samples[partner.sample_id], binding
