"""The product as people install it: a wheel, in an environment of its own, far from this checkout."""

import json
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.support.wheels import PACKAGES, ROOT, installed, run, site_packages

DATA = {
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.yml", "*.toml", "docs/*")
    for path in (ROOT / "deploy").glob(pattern)
}
# Prints the file of each module that it is given.
IMPORT = "import importlib, json, sys; print(json.dumps([importlib.import_module(m).__file__ for m in sys.argv[1:]]))"


def modules() -> set[str]:
    """Paths of the modules in the checkout, as they are installed."""
    inside = {path.relative_to(ROOT).as_posix() for name in PACKAGES for path in (ROOT / name).rglob("*.py")}
    return {path.removeprefix("streams/standalone/") for path in inside}


@pytest.fixture(scope="module")
def clean(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel, and beside it what ours has of others: not our editable install."""
    environment = installed(wheel, tmp_path_factory.mktemp("clean"))
    # Only the .pth files of an environment's own folder are read: ours, which leads to this checkout, is not.
    (site_packages(environment) / "third-party.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return environment


def test_a_wheel_holds_every_module_and_all_data_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert held == modules() | DATA


def test_every_module_is_imported_from_where_the_wheel_was_installed(clean: Path, tmp_path: Path) -> None:
    paths = sorted(path for path in modules() if not path.endswith("__main__.py"))
    names = [path.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for path in paths]
    assert {"streams.follower", "streams.producer", "trainer.service", "deploy.demo.demo"} <= set(names)
    files = json.loads(run(str(clean / "bin" / "python"), "-c", IMPORT, *names, folder=tmp_path))
    assert files == [str(site_packages(clean) / path) for path in paths]


def test_the_command_explains_itself(clean: Path, tmp_path: Path) -> None:
    assert "Usage: mmbind" in run(str(clean / "bin" / "mmbind"), "--help", folder=tmp_path)
    assert "Usage:" in run(str(clean / "bin" / "python"), "-m", "deploy.cli", "--help", folder=tmp_path)
