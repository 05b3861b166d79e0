"""The fused embedding of one version, and why windows are refused."""

import numpy as np
import pytest

from encoders.loaded_model import LoadedModel
from encoders.nets import load_encoders
from tests.support.models import bundle, windows

BUNDLE = bundle(1)
MODEL = LoadedModel(BUNDLE.manifest, load_encoders(BUNDLE))


def test_the_fused_embedding_is_the_mean_of_the_unit_embeddings_made_unit_length() -> None:
    given = windows()
    mean = (MODEL.embed({"gravity": given["gravity"]}) + MODEL.embed({"gyroscope": given["gyroscope"]})) / 2
    np.testing.assert_allclose(
        MODEL.embed(given), mean / np.linalg.norm(mean, axis=1, keepdims=True), rtol=1e-4, atol=1e-6
    )


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "at least one modality"),
        ({"radar": np.zeros((1, 2, 2), np.float32)}, r"not for \['radar'\]"),
        ({"gravity": windows(1)["gravity"], "gyroscope": windows(2)["gyroscope"]}, "rows differ"),
        ({"gravity": np.zeros((1, 5, 3), np.float32)}, "shape"),
    ],
)
def test_says_why_windows_cannot_be_embedded(given: dict[str, np.ndarray], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        MODEL.embed(given)
