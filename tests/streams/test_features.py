"""What the columns of features are, and that a row depends on its own moment only."""

import msgspec
import numpy as np
import pytest

from encoders.loaded_model import LoadedModel
from encoders.nets import load_encoders
from encoders.scaling import fit_scaling
from streams.features import DESCRIPTOR_WEIGHT, FeatureMaker
from streams.labels import LABEL_SPEC
from streams.similarity.descriptor import Descriptor
from tests.support.models import SPECS, bundle, windows

BUNDLE = bundle(1)
MODEL = LoadedModel(BUNDLE.manifest, load_encoders(BUNDLE))
RAW = {name: 3 * values + 7 for name, values in windows().items()}
SCALED = windows()


def test_each_modality_has_its_pooled_maps_and_then_its_descriptor_in_order_of_the_names() -> None:
    maker = FeatureMaker(MODEL)

    rows = maker(dict(reversed(RAW.items())), SCALED)

    parts = []
    for spec in sorted(SPECS, key=lambda one: one.name):
        parts += [MODEL.encoders[spec.name].pooled(SCALED[spec.name]), Descriptor(spec)(RAW[spec.name])]
    assert rows.shape == (5, maker.dim) and rows.dtype == np.float32
    assert np.array_equal(rows, np.concatenate(parts, axis=1))
    for block, part in zip(maker.blocks, parts, strict=True):
        assert np.array_equal(rows[:, block.columns], part) and block.n_columns == part.shape[1]
    assert [(one.modality, one.weight) for one in maker.blocks] == [
        (name, weight) for name in ("gravity", "gyroscope") for weight in (1.0, DESCRIPTOR_WEIGHT)
    ]


def test_what_is_not_there_is_zeros_and_leaves_the_rest_as_it_is() -> None:
    maker = FeatureMaker(MODEL)
    whole, part = maker(RAW, SCALED), maker({"gyroscope": RAW["gyroscope"]}, {"gyroscope": SCALED["gyroscope"]})
    for block in maker.blocks:
        if block.modality == "gyroscope":
            assert np.array_equal(part[:, block.columns], whole[:, block.columns])
        else:
            assert not part[:, block.columns].any()


def test_a_row_does_not_depend_on_the_others() -> None:
    maker = FeatureMaker(MODEL)
    alone = [maker(*({name: one[[row]] for name, one in both.items()} for both in (RAW, SCALED))) for row in range(5)]
    assert np.array_equal(np.concatenate(alone), maker(RAW, SCALED))


def test_of_a_source_windows_are_scaled_as_it_scales_them() -> None:
    scaling = {name: fit_scaling(values) for name, values in RAW.items()}
    maker = FeatureMaker(MODEL)
    expected = maker(RAW, {name: scaling[name].apply(values) for name, values in RAW.items()})
    assert np.array_equal(maker.of_source(RAW, scaling), expected)


def test_only_the_chosen_modalities_have_columns() -> None:
    assert {one.modality for one in FeatureMaker(MODEL, ["gravity"]).blocks} == {"gravity"}


def test_labels_are_no_features() -> None:
    manifest = msgspec.structs.replace(BUNDLE.manifest, modalities=(*SPECS, LABEL_SPEC))
    model = LoadedModel(manifest, {**MODEL.encoders, "label": MODEL.encoders["gravity"]})
    assert FeatureMaker(model).modalities == ("gravity", "gyroscope")


@pytest.mark.parametrize(
    ("raw", "scaled", "words"),
    [
        ({}, {}, "at least one modality"),
        ({"radar": np.zeros((1, 2, 2))}, {}, r"features of \['gravity', 'gyroscope'\], not of \['radar'\]"),
        (RAW, {"gravity": SCALED["gravity"]}, r"scaled ones of \['gravity'\]"),
        ({"gravity": RAW["gravity"][:2]}, {"gravity": SCALED["gravity"]}, "wanted as many"),
        ({"gravity": np.zeros((1, 5, 3))}, {"gravity": np.zeros((1, 5, 3))}, "shape"),
    ],
)
def test_says_why_there_are_no_features(raw: dict[str, np.ndarray], scaled: dict[str, np.ndarray], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        FeatureMaker(MODEL)(raw, scaled)


def test_a_modality_without_an_encoder_and_a_scaling_that_is_missing_are_named() -> None:
    with pytest.raises(ValueError, match=r"not of \['radar'\]"):
        FeatureMaker(MODEL, ["radar"])
    with pytest.raises(ValueError, match=r"none of \['gravity', 'gyroscope'\]"):
        FeatureMaker(MODEL).of_source(RAW, {})
