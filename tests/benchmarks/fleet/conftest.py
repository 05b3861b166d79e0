"""A small fleet whose truth is known."""

import pytest

from deploy.recordings.recordings import Recordings, arrange
from streams.testing import SyntheticWorld


@pytest.fixture(scope="session")
def fleet() -> Recordings:
    world = SyntheticWorld(6, 3, n_complete=6)
    return arrange("synthetic", world.specs.values(), world.windows(12), world.shared)
