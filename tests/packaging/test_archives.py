"""Wheel and source archive, as an index of packages wants them."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.support.wheels import PACKAGES, ROOT, run

SDIST = "import sys; from setuptools import build_meta; print(build_meta.build_sdist(sys.argv[1]))"


@pytest.fixture(scope="module")
def sdist(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the copy that the wheel was built from."""
    folder = tmp_path_factory.mktemp("sdist")
    name = run(sys.executable, "-c", SDIST, str(folder), folder=wheel.parent / "copy").splitlines()[-1]
    return folder / name


def test_both_are_as_an_index_wants_them(wheel: Path, sdist: Path) -> None:
    run(sys.executable, "-m", "twine", "check", "--strict", str(wheel), str(sdist), folder=wheel.parent)
    # W009: several packages at the top, which are given.
    checker = [str(Path(sys.executable).with_name("check-wheel-contents")), "--ignore", "W009", str(wheel)]
    done = subprocess.run(checker, cwd=wheel.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_pages_and_settings_to_begin_with_are_in_both(wheel: Path, sdist: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        in_wheel = set(archive.namelist())
    with tarfile.open(sdist) as archive:
        in_sdist = {name.partition("/")[2] for name in archive.getnames()}
    pages = {path.relative_to(ROOT).as_posix() for path in (ROOT / "deploy" / "docs").iterdir()}
    assert pages | {"deploy/mmbind.example.toml", "deploy/prometheus.yml"} <= in_wheel & in_sdist
    modules = {path.relative_to(ROOT).as_posix() for name in PACKAGES for path in (ROOT / name).rglob("*.py")}
    assert modules | {"pyproject.toml", "README.md", "LICENSE"} <= in_sdist
