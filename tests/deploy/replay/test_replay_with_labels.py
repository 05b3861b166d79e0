"""Recordings that share no sensor are replayed by their labels, and what is held out keeps its own to itself."""

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np

from deploy.recordings.recordings import Recordings, arrange, restrict
from deploy.recordings.truth import as_seen
from deploy.replay.loop import Loop
from deploy.replay.plan import ReplayPlan
from streams.labels import LABEL
from streams.models.registry import Registry
from streams.testing import SENSORS
from tests.support.label_world import SMALL, WORLD, settings, windows


def recordings() -> Recordings:
    """The same windows to replay."""
    specs = [spec for spec in SENSORS if spec.name != WORLD.shared]
    return restrict(arrange("world", specs, windows()), hold_out=WORLD.held_out, shared=LABEL)


def loop_over(some: Recordings, folder: Path) -> Loop:
    loop = Loop(ReplayPlan(some).settings().model_copy(update={"trainer": SMALL}), Registry(str(folder)))
    loop.replay(some.visible)
    return loop


def test_a_replay_keeps_the_labels_of_those_who_bind_only() -> None:
    seen = list(as_seen(windows(), settings()))
    labelled = {one.source_id for one in seen if one.label is not None}
    assert labelled == set(WORLD.sources) - set(WORLD.held_out)
    assert all(one.label is None for one in as_seen(windows(), WORLD.settings()))


def test_labels_of_held_out_nodes_change_nothing_but_the_judgement(tmp_path: Path) -> None:
    some = recordings()
    lied = [msgspec.structs.replace(one, label=9) if one.source_id in WORLD.held_out else one for one in some.windows]
    first, second = (
        loop_over(one, tmp_path / str(i)) for i, one in enumerate((some, replace(some, windows=tuple(lied))))
    )
    assert first.bindings == second.bindings
    for name, arrays in first.weights[max(first.weights)].items():
        for key, values in arrays.items():
            np.testing.assert_array_equal(values, second.weights[max(first.weights)][name][key])


def test_recordings_are_replayed_by_their_labels(tmp_path: Path) -> None:
    some = recordings()
    loop = loop_over(some, tmp_path)
    finished = loop.finished(some)
    assert (finished.windows_lost, finished.rejects) == (0, 0)
    assert loop.weights
    assert set(loop.weights[max(loop.weights)]) == {"gravity", "gyroscope", LABEL}
