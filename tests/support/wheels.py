"""The product as a wheel, and environments that it is installed to."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("encoders", "streams", "trainer", "deploy")


def run(*command: str, folder: Path, exit_code: int = 0) -> str:
    """What a command says, without what this process adds to the path; both outputs where it is to fail."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == exit_code, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr if exit_code else done.stdout


def built(folder: Path) -> Path:
    """A wheel, built from a copy, since a build leaves folders beside the sources."""
    for name in PACKAGES:
        shutil.copytree(ROOT / name, folder / "copy" / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / "copy")
    build = (sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index")
    run(*build, "--wheel-dir", str(folder), str(folder / "copy"), folder=folder)
    (found,) = folder.glob("*.whl")
    return found


def installed(wheel: Path, folder: Path, extra: str = "") -> Path:
    """An environment with the wheel, and nothing that it depends on."""
    environment = folder / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", str(environment), folder=folder)
    pip(environment, "install", "--no-deps", "--no-index", "--no-compile", f"{wheel}{extra}")
    return environment


def pip(environment: Path, *command: str) -> str:
    """What pip says of an environment that has none."""
    python = str(environment / "bin" / "python")
    return run(sys.executable, "-m", "pip", "--python", python, *command, folder=environment)


def site_packages(environment: Path) -> Path:
    """Where it has its packages."""
    (found,) = environment.glob("lib/python*/site-packages")
    return found
