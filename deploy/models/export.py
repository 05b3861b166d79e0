"""`mmbind models export`: a version as files that need no torch, compared with the version before they are written."""

import hashlib
import shutil
import tempfile
from pathlib import Path

import msgspec
import numpy as np

from deploy.errors import CommandError, WrongInput
from encoders.bundle import MANIFEST_NAME, ModelBundle
from encoders.modality import ModalitySpec
from encoders.nets import EncoderFunction, build_encoder
from encoders.onnx_model import FILES_NAME, ONNX_SUFFIX, OnnxEncoder, OnnxFiles, OnnxMissing

# Of an exported vector from the version's own.
TOLERANCE = 1e-5
# Random windows that both embed, of one too many to be a multiple of anything.
N_CHECKED = 65


def export_onnx(bundle: ModelBundle, folder: Path) -> float:
    """Writes a graph a modality, their hashes and the version's manifest as `folder`; the largest difference found.

    Raises:
        OnnxMissing: Without onnx and onnxruntime.
        WrongInput: If the folder is there already.
        CommandError: If a graph does not give the version's vectors.
    """
    if folder.exists():
        raise WrongInput(f"--out {folder}: is there already, wanted a new folder")
    graphs, worst = {}, 0.0
    for spec in bundle.manifest.modalities:
        graphs[spec.name] = graph_of(spec, bundle)
        worst = max(worst, _difference(spec, bundle, graphs[spec.name]))
    files = OnnxFiles({name: hashlib.sha256(graph).hexdigest() for name, graph in graphs.items()})
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        for name, graph in graphs.items():
            (fresh / f"{name}{ONNX_SUFFIX}").write_bytes(graph)
        (fresh / FILES_NAME).write_bytes(msgspec.json.encode(files))
        (fresh / MANIFEST_NAME).write_bytes(bundle.manifest.written)
        fresh.chmod(0o755)
        fresh.rename(folder)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    return worst


def graph_of(spec: ModalitySpec, bundle: ModelBundle) -> bytes:
    """The graph of one modality.

    Raises:
        OnnxMissing: Without onnx.
    """
    try:
        from deploy.models.onnx_graph import onnx_graph
    except ImportError as error:
        raise OnnxMissing("onnx is not installed: pip install 'mmbind-stream[onnx-export]'") from error
    return onnx_graph(spec, build_encoder(spec, bundle.weights[spec.name]))


def _difference(spec: ModalitySpec, bundle: ModelBundle, graph: bytes) -> float:
    """The largest one between vectors of the same random windows, some of them beyond the clip."""
    rng = np.random.default_rng(0)
    windows = rng.normal(scale=3.0, size=(N_CHECKED, spec.n_steps, spec.n_channels)).astype(np.float32)
    own, exported = EncoderFunction(spec, bundle.weights[spec.name]), OnnxEncoder(spec, graph)
    found = float(np.abs(own(windows) - exported(windows)).max())
    if not found <= TOLERANCE:
        raise CommandError(f"{spec.name}: the graph's vectors are off by {found:.1e}, wanted at most {TOLERANCE:.0e}")
    return found
