"""A version exported to ONNX gives its own vectors, in a process that has no torch."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from deploy.models.export import TOLERANCE, export_onnx
from encoders.bundle import BundleError, ModelBundle
from encoders.loaded_model import LoadedModel
from encoders.manifest import ModelManifest
from encoders.modality import ModalitySpec
from encoders.nets import Encoder, encoder_weights, load_encoders
from encoders.onnx_model import OnnxEncoder, OnnxModel
from encoders.scaling import fit_scaling
from streams.features import FeatureMaker

ROOT = Path(__file__).parents[2]
SPECS = tuple(
    ModalitySpec(name=name, n_channels=n_channels, n_steps=n_steps, rate_hz=50)
    for name, n_channels, n_steps in (
        ("gravity", 3, 250),
        ("skeleton", 60, 40),
        ("pressure", 1, 9),
        ("label-like", 8, 1),
    )
)


def published(specs: tuple[ModalitySpec, ...] = SPECS) -> ModelBundle:
    manifest = ModelManifest(version=7, parent=6, created_ns=1, modalities=specs, shared_modality=specs[0].name, dim=16)
    weights = {}
    for place, spec in enumerate(specs):
        rng = np.random.default_rng(place)
        weights[spec.name] = {
            name: (array + rng.normal(0, 0.1, array.shape)).astype(np.float32)
            for name, array in encoder_weights(Encoder(spec, 16, 8)).items()
        }
    return ModelBundle(manifest, weights)


BUNDLE = published()
OWN = LoadedModel(BUNDLE.manifest, load_encoders(BUNDLE))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    exported = tmp_path_factory.mktemp("exported") / "v7"
    assert export_onnx(BUNDLE, exported) <= TOLERANCE
    return exported


def raw(n: int, seed: int = 0, scale: float = 5.0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {spec.name: rng.normal(2, scale, (n, spec.n_steps, spec.n_channels)).astype(np.float32) for spec in SPECS}


@pytest.mark.parametrize("name", [spec.name for spec in SPECS])
@pytest.mark.parametrize("n", [1, 5, 70])
def test_the_vectors_of_each_modality_are_the_versions_own(folder: Path, name: str, n: int) -> None:
    model = OnnxModel(folder)
    for scale in (0.1, 1.0, 30.0):
        windows = {name: raw(n, n, scale)[name]}
        np.testing.assert_allclose(model.embed(windows), OWN.embed(windows), rtol=0, atol=TOLERANCE)


def test_a_moment_is_scaled_and_fused_and_has_features(folder: Path) -> None:
    model, windows = OnnxModel(folder), raw(6)
    scaling = {name: fit_scaling(values) for name, values in windows.items()}
    np.testing.assert_allclose(model.embed(windows, scaling), OWN.embed(windows, scaling), rtol=0, atol=TOLERANCE)
    assert model.version == 7 and model.manifest.modalities == SPECS
    found, wanted = (FeatureMaker(one).of_source(windows, scaling) for one in (model, OWN))
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-4)


def test_only_some_modalities_may_be_loaded(folder: Path) -> None:
    assert set(OnnxModel(folder, ["gravity"]).encoders) == {"gravity"}
    with pytest.raises(BundleError, match="a file of modality 'radar'"):
        OnnxModel(folder, ["radar"])


def test_windows_of_another_shape_are_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"'gravity' have shape \(2, 9, 3\), wanted \(N, \*\(250, 3\)\)"):
        OnnxModel(folder).embed({"gravity": np.zeros((2, 9, 3), np.float32)})


def test_what_is_not_as_it_was_written_is_refused(tmp_path: Path) -> None:
    export_onnx(published(SPECS[2:3]), tmp_path / "v7")
    graph = tmp_path / "v7" / "pressure.onnx"
    graph.write_bytes(graph.read_bytes()[:-1])
    with pytest.raises(BundleError, match=r"pressure\.onnx: wanted sha256"):
        OnnxModel(tmp_path / "v7")
    graph.unlink()
    with pytest.raises(BundleError, match="wanted a readable file"):
        OnnxModel(tmp_path / "v7")
    (tmp_path / "v7" / "onnx.json").unlink()
    with pytest.raises(BundleError, match="what `mmbind models export` writes"):
        OnnxModel(tmp_path / "v7")


def test_bytes_that_are_no_graph_are_refused() -> None:
    with pytest.raises(ValueError, match="no graph of an encoder of 'gravity'"):
        OnnxEncoder(SPECS[0], b"nonsense")


# What is None there fails on import as it does where it is not installed.
EMBEDS = """
import sys
sys.modules["{missing}"] = None
import numpy as np
from encoders.onnx_model import OnnxModel
print(OnnxModel(sys.argv[1]).embed({{"gravity": np.zeros((2, 250, 3), np.float32)}}).shape)
"""


def without(missing: str, folder: Path) -> tuple[str, str]:
    """What a process without a package says, and where it fails why."""
    command = [sys.executable, "-c", EMBEDS.format(missing=missing), str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout, done.stderr


def test_it_needs_no_torch(folder: Path) -> None:
    assert without("torch", folder) == ("(2, 16)\n", "")


def test_without_onnxruntime_it_is_said_what_to_install(folder: Path) -> None:
    said = "OnnxMissing: onnxruntime is not installed: pip install 'mmbind-stream[onnx]'"
    assert said in without("onnxruntime", folder)[1]
