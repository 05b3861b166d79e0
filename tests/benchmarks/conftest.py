"""A small world whose truth is known, as recordings and as a file of them."""

from pathlib import Path

import numpy as np
import pytest

from deploy.recordings.recordings import Recordings, arrange
from streams.testing import SyntheticWorld


@pytest.fixture(scope="session")
def recordings() -> Recordings:
    world = SyntheticWorld(8, 3, n_complete=8)
    return arrange("synthetic", world.specs.values(), world.windows(12), world.shared)


@pytest.fixture(scope="session")
def recordings_file(recordings: Recordings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    arrays: dict[str, object] = {}
    for name, spec in recordings.specs.items():
        windows = [one for one in recordings.windows if one.modality == name]
        arrays[f"{name}.values"] = np.stack([one.values for one in windows])
        arrays[f"{name}.source"] = np.array([one.source_id for one in windows])
        arrays[f"{name}.start_ns"] = np.array([one.start_ns for one in windows])
        arrays[f"{name}.label"] = np.array([one.label for one in windows])
        arrays[f"{name}.rate_hz"] = np.array(spec.rate_hz)
    file = tmp_path_factory.mktemp("recordings") / "synthetic.npz"
    np.savez(file, **arrays)  # type: ignore[arg-type]
    return file
