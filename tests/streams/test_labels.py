"""Labels as the shared modality: what a window of a label is, how alike two are, and what settings suit them."""

import numpy as np
import pytest

from streams.intake.group import Group
from streams.intake.windows import Intake
from streams.labels import LABEL, LABEL_SCALING, LABEL_SPEC, LabelKind, LabelWindows, label_likeness
from streams.messages.codec import decode, encode
from streams.messages.message import Place
from streams.records import Label, Sample, SensorWindow
from streams.settings import BindingSettings, IndexSettings, StreamSettings
from streams.similarity.descriptor import Descriptor, moves
from tests.support.label_world import WORLD, settings, windows


def likeness(kind: LabelKind, one: Label, other: Label) -> float:
    made = LabelWindows(kind)
    rows = np.stack([made(one, "a@1"), made(other, "b@2")])
    return float(label_likeness(rows / LABEL_SCALING.scale)[0, 1])


def test_equal_labels_are_alike_and_others_are_not() -> None:
    assert likeness("exact", "walk", "walk") == pytest.approx(1)
    assert likeness("exact", 7, 7) == pytest.approx(1)
    names = [f"class {number}" for number in range(60)]
    others = [likeness("exact", one, other) for one in names for other in names if one != other]
    assert max(others) < 0.45


def test_texts_are_alike_as_far_as_they_have_words_in_common() -> None:
    related = likeness("text", "walking upstairs", "walking downstairs")
    assert 0.5 < related < 0.9
    assert likeness("text", "walking upstairs", "sitting") < 0.4
    assert likeness("text", "Walking_Upstairs", "walking upstairs!") == pytest.approx(1)
    assert likeness("text", "walkingUpstairs", "walking upstairs") == pytest.approx(1)


def test_numbers_are_exact_in_either_kind() -> None:
    assert likeness("text", 17, 7) < 0.45
    assert likeness("text", "17", "117") < 0.45
    assert likeness("text", 17, "17") == pytest.approx(1)


def test_a_window_is_the_same_in_every_process() -> None:
    window = LabelWindows("text")("walking", "node@1")
    assert window.shape == (1, LABEL_SPEC.n_channels)
    assert window.dtype == np.float32
    assert np.linalg.norm(window) == pytest.approx(np.sqrt(LABEL_SPEC.n_channels))
    np.testing.assert_allclose(window[0, [0, 1, -1]], (-0.228, -0.68401, -0.36996), atol=1e-5)
    np.testing.assert_array_equal(window, LabelWindows("text")("walking", "node@1"))


def test_a_window_suits_the_descriptor_and_the_binder() -> None:
    made = LabelWindows("exact")
    rows = np.stack([made("walk", "a@1"), made("walk", "b@7"), made("sit", "c@3")])
    assert moves(rows).all()
    described = Descriptor(LABEL_SPEC)(rows)
    cosines = described @ described.T
    assert 0.8 < cosines[0, 1] < 1 - 1e-3
    assert cosines[0, 2] < 0.45


def test_what_is_learned_sees_the_label_and_not_whose_it_is() -> None:
    made = LabelWindows("exact")
    one, other = (LABEL_SCALING.apply(made("walk", name)) for name in ("a@1", "b@7"))
    np.testing.assert_allclose(one, other, atol=1e-6)


def take(intake: Intake, one: SensorWindow) -> list[Group] | None:
    return intake.assemble(
        one, one.modality, one.source_id.encode(), Place(one.modality, 0, one.start_ns), one.start_ns
    )


def test_a_sample_goes_through_the_log_and_is_known_again() -> None:
    given = windows()[:7]
    intake = Intake(settings())
    groups = [group for one in given for group in take(intake, one) or []] + intake.flush()
    samples = [decode(encode(intake.sample(group)), Sample) for group in groups]
    assert [LABEL in one.windows for one in samples] == [not one.held_out for one in samples]
    next_life = Intake(settings())
    for sample in samples:
        next_life.recall(sample)
    assert all(take(next_life, one) is None for one in given)
    # Nobody waits for a window of the label: it comes with the others.
    later = next(one for one in windows()[7:] if one.source_id == given[-1].source_id)
    assert len(take(next_life, later) or []) == 1


def test_no_sensor_may_be_called_a_label() -> None:
    known = settings().model_dump(include={"modalities"})["modalities"]
    with pytest.raises(ValueError, match="another name than 'label'"):
        StreamSettings.model_validate({"shared_modality": "gravity", "modalities": {**known, LABEL: known["gravity"]}})


def test_binding_suits_labels_unless_it_was_set() -> None:
    assert settings().binding.learned_share == 0
    assert settings().binding.withhold_after > 10**9
    assert settings(binding={"min_similarity": 0.7}).binding.min_similarity == 0.7
    assert WORLD.settings().binding == BindingSettings()
    assert WORLD.settings().index == IndexSettings()
    assert settings().index.segment_samples >= settings().index.history_samples
