"""A version exported to ONNX, embedded with by onnxruntime: a process that uses it needs no torch."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from encoders.bundle import BundleError, load_manifest
from encoders.errors import MmbindError
from encoders.loaded_model import LoadedModel
from encoders.modality import ModalitySpec

ONNX_SUFFIX = ".onnx"
FILES_NAME = "onnx.json"
# Of each graph: windows `[N, T, C]` in robust units in, unit rows and the pooled maps below the head out.
INPUT, EMBEDDING, POOLED = "windows", "embedding", "pooled"


class OnnxMissing(MmbindError, ImportError):  # noqa: N818 - it says what is so
    """onnxruntime, or for an export onnx, is not installed."""


class OnnxFiles(msgspec.Struct, frozen=True):
    """The sha256 of each file of an export by modality."""

    sha256: dict[str, str]


class OnnxEncoder:
    """Numpy in, numpy out, as `encoders.nets.EncoderFunction`; a row's last bits may depend on how many come with it.

    Args:
        spec: Of the modality.
        graph: The file's bytes.
        threads: How many a call may use; 0 leaves it to onnxruntime.

    Raises:
        OnnxMissing: Without onnxruntime.
        ValueError: If it is no graph of an encoder.
    """

    def __init__(self, spec: ModalitySpec, graph: bytes, threads: int = 1) -> None:
        runtime = _runtime()
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self._spec = spec
        try:
            self._session = runtime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
            sizes = {one.name: one.shape[1] for one in self._session.get_outputs()}
            self.n_pooled = int(sizes[POOLED])
        except Exception as error:  # its own, of many kinds
            raise ValueError(f"this is no graph of an encoder of {spec.name!r}: {error}") from error

    def __call__(self, windows: np.ndarray, /) -> np.ndarray:
        """One unit row for each window `[N, T, C]`.

        Raises:
            ValueError: If the windows have another shape.
        """
        return self._run(windows, EMBEDDING)

    def pooled(self, windows: np.ndarray, /) -> np.ndarray:
        """The pooled maps `[N, n_pooled]` below the head; raises as a call does."""
        return self._run(windows, POOLED)

    def _run(self, windows: np.ndarray, output: str) -> np.ndarray:
        wanted = (self._spec.n_steps, self._spec.n_channels)
        if windows.ndim != 3 or windows.shape[1:] != wanted:
            raise ValueError(f"windows of {self._spec.name!r} have shape {windows.shape}, wanted (N, *{wanted})")
        (rows,) = self._session.run([output], {INPUT: np.ascontiguousarray(windows, np.float32)})
        found: np.ndarray = rows
        return found


class OnnxModel(LoadedModel):
    """What `mmbind models export` wrote, to embed with as with a LoadedModel: the same vectors to 1e-5.

    Args:
        folder: Of the export.
        modalities: Which of its encoders to load; all without it.
        threads: How many a call may use; 0 leaves it to onnxruntime.

    Raises:
        OnnxMissing: Without onnxruntime.
        BundleError: If a file is missing or is not as it was written, or a modality is unknown.
    """

    def __init__(self, folder: str | Path, modalities: Iterable[str] | None = None, threads: int = 1) -> None:
        folder = Path(folder)
        manifest, files = load_manifest(folder), _load_files(folder)
        specs = {spec.name: spec for spec in manifest.modalities}
        encoders = {}
        for name in sorted(files.sha256 if modalities is None else modalities):
            if name not in files.sha256 or name not in specs:
                raise BundleError(str(folder), f"a file of modality {name!r}", f"only {sorted(files.sha256)}")
            graph = _load_graph(folder / f"{name}{ONNX_SUFFIX}", files.sha256[name])
            encoders[name] = OnnxEncoder(specs[name], graph, threads)
        super().__init__(manifest, encoders)


def _load_files(folder: Path) -> OnnxFiles:
    path = folder / FILES_NAME
    try:
        return msgspec.json.decode(path.read_bytes(), type=OnnxFiles)
    except (OSError, msgspec.MsgspecError) as error:
        raise BundleError(str(path), "what `mmbind models export` writes", str(error)) from error


def _load_graph(path: Path, sha256: str) -> bytes:
    try:
        graph = path.read_bytes()
    except OSError as error:
        raise BundleError(str(path), "a readable file", str(error)) from error
    if (found := hashlib.sha256(graph).hexdigest()) != sha256:
        raise BundleError(str(path), f"sha256 {sha256}", f"sha256 {found}")
    return graph


def _runtime() -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise OnnxMissing("onnxruntime is not installed: pip install 'mmbind-stream[onnx]'") from error
    return onnxruntime
