"""One rotation of the small world."""

import pytest

from benchmarks.learning.data import World, rotated
from deploy.recordings.recordings import Recordings


@pytest.fixture(scope="session")
def world(recordings: Recordings) -> World:
    return rotated(recordings, 0)
