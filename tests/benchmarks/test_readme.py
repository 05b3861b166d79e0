"""The page about the benchmarks names each command, and each is there."""

import importlib.util
import re
from pathlib import Path

README = Path(__file__).parents[2] / "benchmarks" / "README.md"
FOLDER = README.parent


def commands() -> set[str]:
    return set(re.findall(r"python -m (benchmarks[\w.]*)", README.read_text("utf-8")))


def test_every_command_that_is_named_can_be_run() -> None:
    for name in commands():
        spec = importlib.util.find_spec(name)
        assert spec is not None, name
        runs = f"{name}.__main__" if spec.submodule_search_locations else name
        found = importlib.util.find_spec(runs)
        assert found is not None and found.origin is not None, runs
        assert '__name__ == "__main__"' in Path(found.origin).read_text(), runs


def test_every_command_that_can_be_run_is_named() -> None:
    parts = [file.relative_to(FOLDER.parent).with_suffix("").parts for file in FOLDER.rglob("*.py")]
    own = {
        ".".join(names).removesuffix(".__main__")
        for names in parts
        if '__name__ == "__main__"' in (FOLDER.parent / Path(*names).with_suffix(".py")).read_text()
    }
    # Started by others, never by hand.
    of_speed = {f"benchmarks.speed.{name}" for name in ("faust_apps", "batch_app", "embed_loop")}
    started = {*of_speed, "benchmarks.rollout.consumer"}
    assert own - started == commands()
