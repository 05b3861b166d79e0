from pathlib import Path

import pytest

from tests.support.wheels import built


@pytest.fixture(scope="package")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of this checkout; built once."""
    return built(tmp_path_factory.mktemp("wheel"))
