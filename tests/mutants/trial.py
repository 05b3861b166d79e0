"""Runs tests on copies of the project, each of which may be made wrong. Knows no catalogue."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

from tests.mutants.mutation import Mutation

# What the tests of a mutation may need of the project.
COPIED = ("encoders", "streams", "trainer", "deploy", "tests", "pyproject.toml", "README.md", "LICENSE", "Makefile")
PACKAGES = COPIED[:4]
NOT_COPIED = shutil.ignore_patterns("__pycache__", ".*", "mutants")
FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)
# Of pytest.
PASSED, FOUND_FAILURES = 0, 1

Outcome: TypeAlias = Literal["caught", "SURVIVED", "BROKEN"]


class Verdict(NamedTuple):
    """What became of a mutation, and the test that failed, or why nothing can be said."""

    mutation: Mutation
    outcome: Outcome
    by: str = ""


class Run(NamedTuple):
    """Of pytest: its exit code, None where it took too long, and what it wrote."""

    code: int | None
    output: str


class Bench:
    """A copy of the project in a folder of its own, and the one process that runs tests on it.

    Args:
        project: Is only read.
        folder: Does not exist yet.
    """

    def __init__(self, project: Path, folder: Path) -> None:
        self.root = folder
        self._process: subprocess.Popen[str] | None = None
        self._is_stopped = threading.Event()
        folder.mkdir(parents=True)
        for name in COPIED:
            if (project / name).is_dir():
                shutil.copytree(project / name, folder / name, ignore=NOT_COPIED)
            elif (project / name).exists():
                shutil.copy2(project / name, folder / name)

    def foreign(self) -> dict[str, str]:
        """The project's packages that would be imported from somewhere else than this copy, and from where."""
        code = (
            f"import {', '.join(PACKAGES)} as last\nfor one in ({', '.join(PACKAGES[:-1])}, last): print(one.__file__)"
        )
        run = self._run([sys.executable, "-c", code], 60.0)
        places = run.output.split()
        if run.code or len(places) != len(PACKAGES):
            return dict.fromkeys(PACKAGES, run.output)
        found = dict(zip(PACKAGES, places, strict=True))
        return {name: place for name, place in found.items() if not Path(place).is_relative_to(self.root)}

    def test(self, tests: Sequence[str], timeout_s: float) -> Run:
        """Runs these tests up to the first that fails."""
        options = ["-x", "-q", "-p", "no:cacheprovider", "--tb=no", "-rfE"]
        return self._run([sys.executable, "-m", "pytest", *options, *tests], timeout_s)

    def verdict(self, mutation: Mutation, timeout_s: float) -> Verdict:
        """Whether the tests of a mutation notice it; one that takes too long is caught."""
        with mutation.applied(self.root):
            run = self.test(mutation.tests, timeout_s)
        if run.code is None:
            return Verdict(mutation, "caught", f"taking longer than {timeout_s:.0f} s")
        if run.code == PASSED:
            return Verdict(mutation, "SURVIVED")
        if run.code == FOUND_FAILURES and (found := FAILED.search(run.output)):
            return Verdict(mutation, "caught", found[1])
        return Verdict(mutation, "BROKEN", f"pytest ended with {run.code}: {run.output[-500:]}")

    def stop(self) -> None:
        """Ends what runs, and lets nothing begin any more."""
        self._is_stopped.set()
        if (process := self._process) is not None:
            _end(process)

    def _run(self, command: Sequence[str], timeout_s: float) -> Run:
        # The copy before all else, so that an installed project is not what is tested.
        paths = {"PYTHONPATH": str(self.root), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
        with subprocess.Popen(
            command,
            cwd=self.root,
            env=os.environ | paths,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process:
            self._process = process
            if self._is_stopped.is_set():
                _end(process)
            try:
                output, _ = process.communicate(timeout=timeout_s)
            except subprocess.TimeoutExpired:
                _end(process)
                return Run(None, "")
            finally:
                self._process = None
        return Run(process.returncode, output)


def _end(process: subprocess.Popen[str]) -> None:
    """With all that it has started: they are a process group."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
