"""A fleet lacks sensors, comes from the settings, and keeps the truth to itself."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from deploy.errors import WrongInput
from deploy.labelling.label_file import read_labels
from deploy.recordings.files import read_recordings
from deploy.settings.config import Settings, load
from deploy.simulation.command import fleet_of, judged, told
from deploy.simulation.fleet import Fleet, World, node_ids
from deploy.simulation.truth_files import LABELS, WINDOWS, write_truth
from streams.intake.windows import is_held_out
from streams.records import Binding, Outcome, Partner, Sample
from streams.settings import IngestSettings
from streams.testing import EPOCH_NS, NS_PER_S

EXAMPLE = Path(__file__).parents[3] / "deploy" / "mmbind.example.toml"
N_SLOTS = 6


@pytest.fixture
def settings() -> Settings:
    return load(EXAMPLE)


@pytest.fixture
def fleet(settings: Settings) -> Fleet:
    return Fleet(settings, World(n_nodes=12, n_activities=3), N_SLOTS, EPOCH_NS)


def test_all_nodes_have_the_shared_sensor_and_each_lacks_another_but_those_held_out(
    fleet: Fleet, settings: Settings
) -> None:
    sensors = Counter(node_id for node_id, _ in {(one.source_id, one.modality) for one in fleet.windows()})
    held_out = {one for one in fleet.node_ids if is_held_out(one, settings.ingest)}
    assert len(held_out) == fleet.n_complete == 2
    assert {node_id for node_id, n in sensors.items() if n == 3} == held_out
    assert set(sensors.values()) == {2, 3}
    shared = [one for one in fleet.windows() if one.modality == settings.shared_modality]
    assert len(shared) == 12 * N_SLOTS
    assert fleet.lacking() == {"gravity": 5, "gyroscope": 5}


def test_windows_are_those_of_the_settings_in_order_of_time_and_end_in_the_past(
    fleet: Fleet, settings: Settings
) -> None:
    windows = list(fleet.windows())
    for one in windows:
        spec = settings.specs[one.modality]
        assert one.values.shape == (spec.n_steps, spec.n_channels)
    assert all(one.start_ns <= other.start_ns for one, other in pairwise(windows))
    assert windows[-1].start_ns + settings.ingest.hop_s * NS_PER_S <= EPOCH_NS


def test_what_nodes_do_is_sent_only_where_labels_bind(fleet: Fleet, settings: Settings) -> None:
    assert {one.label for one in fleet.windows()} == {None}
    by_label = settings.model_copy(update={"shared_modality": "label"})
    told = {one.label for one in Fleet(by_label, World(4, 3), N_SLOTS, EPOCH_NS).windows()}
    assert told <= {"activity-0", "activity-1", "activity-2"}
    assert told


def test_fleets_of_different_times_have_different_nodes() -> None:
    ingest = IngestSettings()
    assert set(node_ids(EPOCH_NS, 5, ingest)).isdisjoint(node_ids(EPOCH_NS + NS_PER_S, 5, ingest))


def test_the_truth_is_written_for_other_commands(fleet: Fleet, tmp_path: Path) -> None:
    windows = list(fleet.windows())
    assert len(windows) == fleet.n_windows
    write_truth(fleet, windows, tmp_path / "new")
    truth = fleet.truth()
    recordings = read_recordings(tmp_path / "new" / WINDOWS)
    assert {(one.source_id, one.start_ns): one.label for one in recordings.windows} == truth
    labels = read_labels(tmp_path / "new" / LABELS)
    assert Counter(one.label for one in labels) == dict.fromkeys(set(truth.values()), 2)
    complete = fleet.node_ids[: fleet.n_complete]
    for one in labels:
        assert one.source_id not in complete
        assert truth[one.source_id or "", one.start_ns or 0] == one.label


def test_a_fleet_needs_two_modalities_and_one_hop(settings: Settings) -> None:
    one = {"gravity": settings.modalities["gravity"]}
    with pytest.raises(WrongInput, match="modalities are gravity: wanted two at least"):
        Fleet(settings.model_copy(update={"modalities": one, "shared_modality": "gravity"}), World(), 1, EPOCH_NS)
    with pytest.raises(WrongInput, match=r"--for 1 s at --speed 2 is less than ingest\.hop_s, 5 s"):
        fleet_of(settings, 1.0, 2.0, World())


def test_the_sensor_that_all_have_is_the_one_of_the_settings(settings: Settings) -> None:
    by_gravity = settings.model_copy(update={"shared_modality": "gravity"})
    fleet = Fleet(by_gravity, World(n_nodes=12), N_SLOTS, EPOCH_NS)
    assert next(iter(fleet.specs)) == "gravity"
    assert "gravity" not in fleet.lacking()


def test_a_faster_fleet_has_more_slots_in_the_same_time(settings: Settings) -> None:
    assert fleet_of(settings, 10.0, 1.0, World()).n_slots == 2
    assert fleet_of(settings, 10.0, 4.0, World()).n_slots == 8


def test_partners_of_others_than_the_fleet_are_left_out_and_told() -> None:
    truth = {("a", 0): "walk", ("b", 0): "walk", ("c", 0): "sit"}
    samples = {f"{one}@0": sample(one) for one in "abc"}
    answers = [binding("a@0"), binding("b@0", "a@0"), binding("c@0", "stranger@0")]
    figures, n_strange = judged(answers, samples, truth)
    assert (figures.right.tolist(), n_strange) == ([True], 1)
    said = told(figures, n_strange)
    assert said.startswith("best partners that are right: 1.000 of 1 samples in their last round, 1.000 when they came")
    assert "1 samples have a best partner that is not of this fleet" in said


def sample(source_id: str) -> Sample:
    return Sample(sample_id=f"{source_id}@0", source_id=source_id, start_ns=0, windows={}, scaling={})


def binding(sample_id: str, *partners: str) -> Binding:
    outcome: Outcome = "bound" if partners else "alone"
    ends = tuple(Partner(sample_id=one, similarity=0.5, probability=1.0) for one in partners)
    return Binding(sample_id=sample_id, round=0, model_version=0, outcome=outcome, partners=ends)
