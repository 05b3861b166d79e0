"""What a program that embeds needs: the extras `follower` and `onnx` each say all of it."""

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from deploy.models.export import export_onnx
from streams.models.registry import Registry
from tests.support.models import DIM, bundle, windows

ROOT = Path(__file__).parents[2]

# Only what the extra brings can be imported, as where nothing else was installed.
ONLY = """
import json, sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

root, absent = sys.argv[1], set(json.loads(sys.argv[2]))
sys.meta_path.insert(0, Missing())
import numpy as np
from pathlib import Path
raw = {name: np.ones(shape, np.float32) for name, shape in json.loads(sys.argv[3]).items()}
"""
FOLLOWER = """
from encoders.bundle import load_bundle
from streams.follower import ModelFollower
from streams.models.channels import ChannelView, move_record, version_record
from streams.models.log import MemoryModelLog

log, version = MemoryModelLog(), version_record(load_bundle(Path(root, "v1")).manifest)
view = ChannelView()
view.apply(*version, 0)
log.append(*version)
log.append(*move_record(view, "stable", 1, "for the test", "a test", at_ns=1))
with ModelFollower(root=root, models=log) as follower:
    assert follower.wait_for(1, timeout_s=60), "no version was taken up"
    print(follower.embed_raw("node-7", raw).shape)
"""
ONNX = """
from encoders.onnx_model import OnnxModel

print(OnnxModel(root).embed(raw).shape)
"""


def brought_by(extra: str) -> Iterator[str]:
    """The names of all distributions that `pip install mmbind-stream[extra]` brings."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    waiting, known = [*project["dependencies"], *extras[extra]], set[str]()
    while waiting:
        text = waiting.pop()
        one = Requirement(text)
        if text not in known and one.name == project["name"]:
            waiting += [text for name in one.extras for text in extras[name]]
        elif text not in known:
            yield canonicalize_name(one.name)
            waiting += needed_by(one)
        known.add(text)


def needed_by(requirement: Requirement) -> Iterator[str]:
    """What a distribution asks for with the extras that are wanted of it, without markers."""
    for text in distribution(requirement.name).requires or ():
        one = Requirement(text)
        if one.marker is None or any(one.marker.evaluate({"extra": name}) for name in ("", *requirement.extras)):
            one.marker = None
            yield str(one)


def run_with(extra: str, program: str, root: Path) -> str:
    """What the program prints, which is given a folder and windows `[5, T, C]`."""
    there = {*brought_by(extra), "mmbind-stream"}
    modules = packages_distributions().items()
    absent = [name for name, owners in modules if not there & {canonicalize_name(owner) for owner in owners}]
    shapes = {name: values.shape for name, values in windows().items()}
    given = (str(root), json.dumps(absent), json.dumps(shapes))
    done = subprocess.run(
        [sys.executable, "-c", ONLY + program, *given], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_extra_follower_brings_all_that_embedding_takes(tmp_path: Path) -> None:
    brought = set(brought_by("follower"))
    assert {"torch", "kafka-python"} <= brought and not {"faust-streaming", "typer", "hnswlib"} & brought
    Registry(str(tmp_path)).publish(bundle(1))
    assert run_with("follower", FOLLOWER, tmp_path) == f"(5, {DIM})\n"


def test_the_extra_onnx_brings_all_that_embedding_takes_and_no_torch(tmp_path: Path) -> None:
    assert not {"torch", "pydantic"} & set(brought_by("onnx"))
    export_onnx(bundle(1), tmp_path / "edge")
    assert run_with("onnx", ONNX, tmp_path / "edge") == f"(5, {DIM})\n"
