"""Windows of the shape that the benchmarks time."""

import numpy as np
import pytest

from benchmarks.speed.workload import HOP_STEPS, SPEC
from deploy.recordings.recordings import NS_PER_S
from deploy.recordings.watch import START_NS
from streams.records import SensorWindow


@pytest.fixture(scope="session")
def windows() -> list[SensorWindow]:
    """Of three sources, in order of time."""
    rng = np.random.default_rng(0)
    hop_ns = HOP_STEPS * NS_PER_S // round(SPEC.rate_hz)
    return [
        SensorWindow(
            source_id=f"node-{source}",
            modality=SPEC.name,
            start_ns=START_NS + slot * hop_ns,
            values=rng.normal(size=(SPEC.n_steps, SPEC.n_channels)).astype(np.float32),
        )
        for slot in range(48)
        for source in range(3)
    ]
