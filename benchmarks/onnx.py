"""What one window costs with torch and, exported, with onnxruntime: milliseconds, memory, seconds to the first vector.

Encoders of the default size with random weights, for the watch recordings' three modalities; each runtime in a process
of its own with one thread, in turn. `one` embeds a window of one modality, `three` a moment of all three.

    python -m benchmarks.onnx --json onnx.json
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.command_line import parser_of, write_json
from benchmarks.spread import Spread, spread
from encoders.bundle import ModelBundle, load_bundle, save_bundle
from encoders.loaded_model import LoadedModel
from encoders.manifest import ModelManifest
from encoders.modality import ModalitySpec

RUNTIMES = ("torch", "onnx")
NAMES = ("gravity", "gyroscope", "linear-acceleration")
SPECS = tuple(ModalitySpec(name=name, n_channels=3, n_steps=250, rate_hz=50) for name in NAMES)
N_WARM, N_CALLS = 50, 1000
# By the name of each figure how it is told.
FIGURES = {
    "one_ms": "one window, ms (median)",
    "one_p99_ms": "one window, ms (p99)",
    "three_ms": "three modalities, ms (median)",
    "memory_mb": "resident memory, MB",
    "first_s": "start to first vector, s",
}


def main() -> None:
    """Measures both, prints a table."""
    given = arguments()
    if given.child:
        print(json.dumps(_measured(given.child, Path(given.folder))))
        return
    with tempfile.TemporaryDirectory() as folder:
        difference = _prepare(Path(folder))
        runs: dict[str, list[dict[str, float]]] = {name: [] for name in RUNTIMES}
        for _ in range(given.runs):
            for name in RUNTIMES:
                runs[name].append(_child(name, folder))
    found = {name: {figure: spread([one[figure] for one in runs[name]]) for figure in FIGURES} for name in RUNTIMES}
    Console().print(_table(found, given.runs))
    if given.json:
        write_json({"runtimes": found, "largest_difference": difference}, given.json)


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """What is asked for."""
    parser = parser_of(__doc__)
    parser.add_argument("--runs", type=int, default=5, help="processes of each runtime")
    parser.add_argument("--child", choices=RUNTIMES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    return parser.parse_args(given)


def _prepare(folder: Path) -> float:
    """A version as torch has it and its export; how far their vectors differ."""
    import torch

    from deploy.models.export import export_onnx
    from encoders.nets import Encoder, encoder_weights
    from trainer.settings import TrainerSettings

    torch.manual_seed(0)
    size = TrainerSettings()
    manifest = ModelManifest(
        version=1, parent=0, created_ns=1, modalities=SPECS, shared_modality=NAMES[0], dim=size.dim
    )
    weights = {spec.name: encoder_weights(Encoder(spec, size.dim, size.width)) for spec in SPECS}
    save_bundle(ModelBundle(manifest, weights), folder / "torch")
    return export_onnx(load_bundle(folder / "torch"), folder / "onnx")


def _child(runtime: str, folder: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.onnx", "--child", runtime, "--folder", folder]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _measured(runtime: str, folder: Path) -> dict[str, float]:
    """In this process, which has loaded neither so far."""
    start_s = time.perf_counter()
    model = _LOADERS[runtime](folder)
    rng = np.random.default_rng(0)
    three = {spec.name: rng.normal(size=(1, spec.n_steps, spec.n_channels)).astype(np.float32) for spec in SPECS}
    one = {NAMES[0]: three[NAMES[0]]}
    model.embed(one)
    first_s = time.perf_counter() - start_s
    one_ms, three_ms = _calls_ms(lambda: model.embed(one)), _calls_ms(lambda: model.embed(three))
    return {
        "one_ms": float(np.median(one_ms)),
        "one_p99_ms": float(np.quantile(one_ms, 0.99)),
        "three_ms": float(np.median(three_ms)),
        "memory_mb": psutil.Process().memory_info().rss / (1 << 20),
        "first_s": first_s,
    }


def _calls_ms(call: Callable[[], object]) -> list[float]:
    for _ in range(N_WARM):
        call()
    taken = []
    for _ in range(N_CALLS):
        start_s = time.perf_counter()
        call()
        taken.append(1e3 * (time.perf_counter() - start_s))
    return taken


def _of_torch(folder: Path) -> LoadedModel:
    from encoders.nets import load_encoders

    bundle = load_bundle(folder / "torch")
    return LoadedModel(bundle.manifest, load_encoders(bundle, threads=1))


def _of_onnx(folder: Path) -> LoadedModel:
    from encoders.onnx_model import OnnxModel

    return OnnxModel(folder / "onnx")


_LOADERS: dict[str, Callable[[Path], LoadedModel]] = {"torch": _of_torch, "onnx": _of_onnx}


def _table(found: dict[str, dict[str, Spread]], n_runs: int) -> Table:
    table = Table(title=f"One window at a time, mean ± sd of {n_runs} processes")
    for column in ("", *RUNTIMES):
        table.add_column(column, justify="left" if not column else "right")
    for figure, told in FIGURES.items():
        cells = [found[name][figure] for name in RUNTIMES]
        table.add_row(told, *(f"{one.mean:.2f} ± {one.sd:.2f}" for one in cells))
    return table


if __name__ == "__main__":
    main()
