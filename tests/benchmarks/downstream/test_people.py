"""Nobody is judged on who streamed or gave a label, and everybody is judged on once."""

from dataclasses import replace

import msgspec
import pytest

from benchmarks.data_sets import WATCH, with_two_modalities
from benchmarks.downstream.people import N_ROTATIONS, person_of, rotated
from deploy.recordings.recordings import Recordings


def test_everybody_is_judged_on_in_one_rotation(recordings: Recordings) -> None:
    judged = [one.source_id for place in range(N_ROTATIONS) for one in rotated(recordings, place).test]
    assert sorted(set(judged)) == list(recordings.sources)
    assert len(judged) == len({(one.source_id, one.start_ns) for one in recordings.windows})


@pytest.mark.parametrize("rotation", range(N_ROTATIONS))
def test_who_is_judged_on_neither_streams_nor_gives_a_label(recordings: Recordings, rotation: int) -> None:
    found = rotated(recordings, rotation)
    judged = {one.source_id for one in found.test}
    assert not judged & {one.source_id for one in found.labelled}
    assert {one.source_id for one in found.stream(0).windows} == set(recordings.sources) - judged
    assert found.stream(0).held_out and not found.stream(0).held_out & judged


def test_every_node_of_the_stream_lacks_a_modality_and_labels_are_of_whole_moments(recordings: Recordings) -> None:
    found = rotated(recordings, 1)
    stream = found.stream(0)
    sensors: dict[str, set[str]] = {}
    for one in stream.visible:
        sensors.setdefault(one.source_id, set()).add(one.modality)
    shared, others = recordings.shared, set(recordings.specs) - {recordings.shared}
    taught = [names for source, names in sensors.items() if source not in stream.held_out]
    assert {frozenset(names) for names in taught} == {frozenset({shared, one}) for one in others}
    assert all(sensors[source] == others for source in stream.held_out)
    assert all(set(one.windows) == set(recordings.specs) for one in (*found.labelled, *found.test))


def test_of_two_modalities_nobody_lacks_one(recordings: Recordings) -> None:
    other = min(set(recordings.specs) - {recordings.shared})
    two = with_two_modalities(recordings, recordings.shared, other)
    assert not rotated(two, 0).stream(0).hidden


def test_the_order_of_the_stream_is_the_seeds(recordings: Recordings) -> None:
    found = rotated(recordings, 0)
    first, again, other = (found.stream(seed) for seed in (0, 0, 1))
    assert [one.source_id for one in first.windows] == [one.source_id for one in again.windows]
    assert [one.source_id for one in first.windows] != [one.source_id for one in other.windows]


def test_both_wrists_are_of_one_person(recordings: Recordings) -> None:
    assert {person_of(WATCH, f"person-03-{side}") for side in ("left", "right")} == {"person-03"}
    assert person_of("utd", "subject-3") == "subject-3"
    sides = {f"node-{place:02d}": f"person-{place // 2:02d}-{place % 2}" for place in range(8)}
    renamed = [msgspec.structs.replace(one, source_id=sides[one.source_id]) for one in recordings.windows]
    assert len({one.source_id for one in rotated(replace(recordings, name=WATCH, windows=tuple(renamed)), 0).test}) == 2
