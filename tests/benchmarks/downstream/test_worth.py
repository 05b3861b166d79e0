"""Every arm is judged at each number of labels, and labels are never those of people who are judged on."""

import msgspec
import numpy as np
import pytest

from benchmarks.downstream.people import Rotation, rotated
from benchmarks.downstream.training import MMBIND, NATURAL, OURS, trained
from benchmarks.downstream.worth import ARMS, FEATURES, LABELS, ONE, SEVERAL, SUPERVISED, SUPERVISED_LABELS, worth
from benchmarks.learning.score import Weights
from deploy.recordings.recordings import Recordings


@pytest.fixture(scope="module")
def rotation(recordings: Recordings) -> Rotation:
    return rotated(recordings, 0)


@pytest.fixture(scope="module")
def encoders(rotation: Rotation) -> dict[str, Weights]:
    return trained(rotation, 0, 20)


def test_arms_begin_alike_and_learn_other_things(encoders: dict[str, Weights], rotation: Rotation) -> None:
    assert list(encoders) == [OURS, NATURAL, MMBIND]
    name = rotation.recordings.shared
    arrays = [encoders[arm][name]["head.2.weight"] for arm in encoders]
    assert not any(np.array_equal(one, other) for one, other in ((arrays[0], arrays[1]), (arrays[1], arrays[2])))


def test_every_arm_is_judged_at_every_number_of_labels_and_better_than_by_chance(
    encoders: dict[str, Weights], rotation: Rotation
) -> None:
    found = worth(rotation, encoders, 0)
    wanted = {
        f"{arm}/{case}/{n}"
        for arm in ARMS
        for case in (SEVERAL, ONE)
        for n in (SUPERVISED_LABELS if arm == SUPERVISED else LABELS)
    }
    assert set(found) == wanted
    assert all(value > 0.5 for value in found.values()), "of three classes"
    assert found == worth(rotation, encoders, 0)


def test_what_is_judged_on_teaches_nothing(encoders: dict[str, Weights], rotation: Rotation) -> None:
    """With other labels for those who are judged on the same is said of them, so all of it is wrong."""
    labels = {0: 1, 1: 2, 2: 0}
    other = [msgspec.structs.replace(one, label=labels[int(str(one.label))]) for one in rotation.test]
    misled = Rotation(rotation.recordings, rotation.labelled, tuple(other))
    right, wrong = (worth(one, encoders, 0)[f"{FEATURES}/{SEVERAL}/20"] for one in (rotation, misled))
    assert right > 0.9
    assert wrong <= 1 - right
