"""`mmbind models export`: compared before it is written, whole or not at all."""

from pathlib import Path

import numpy as np
import pytest

from deploy.errors import CommandError, WrongInput
from deploy.models import export
from deploy.models.export import export_onnx
from encoders.bundle import save_bundle
from encoders.onnx_model import OnnxModel
from tests.support.commands import refusal, run
from tests.support.models import DIM, bundle, windows

BUNDLE = bundle(3)
EXAMPLE = Path(__file__).parents[3] / "deploy" / "mmbind.example.toml"


def test_a_version_is_exported_by_its_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMBIND_CONFIG", str(EXAMPLE))
    save_bundle(BUNDLE, tmp_path / "models" / "v3")
    out = tmp_path / "edge"
    asked = ["models", "export", "3", "--format", "onnx", "--root", str(tmp_path / "models"), "--out", str(out)]
    assert "version 3, gravity, gyroscope: " in run(asked)
    assert OnnxModel(out).embed(windows(2)).shape == (2, DIM)
    assert sorted(one.name for one in out.iterdir()) == ["gravity.onnx", "gyroscope.onnx", "manifest.json", "onnx.json"]
    assert "is there already, wanted a new folder" in refusal(asked)
    assert "--format tflite: wanted onnx" in refusal([*asked[:4], "tflite", *asked[5:]])


def test_a_graph_with_other_vectors_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = export.graph_of
    monkeypatch.setattr(export, "graph_of", lambda spec, _: other(spec, bundle(4)))
    with pytest.raises(CommandError, match=r"gravity: the graph's vectors are off by .*, wanted at most 1e-05"):
        export_onnx(BUNDLE, tmp_path / "edge")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(WrongInput, match="wanted a new folder"):
        export_onnx(BUNDLE, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_weights_that_are_not_finite_are_not_exported(tmp_path: Path) -> None:
    broken = bundle(3)
    np.asarray(broken.weights["gravity"]["stem.bias"])[0] = np.nan
    with pytest.raises(CommandError, match="off by nan"):
        export_onnx(broken, tmp_path / "edge")
