"""Imports go one way, heavy libraries have one place each, files stay short. Reads the sources, imports nothing."""

import ast
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# Each may import from those before it.
PACKAGES = ("encoders", "streams", "trainer", "deploy")
MAX_LINES = 250
MAX_FUNCTION_LINES = 40
VAGUE = {"utils", "util", "common", "helpers", "helper", "base", "core", "misc"}

# A library that is heavy, or that a seam is there to hide, and the files that may know it.
PLACES = {
    "faust": ["streams/app*.py"],
    "aiokafka": ["streams/app*.py"],
    "hnswlib": ["streams/index.py"],
    "torch": ["encoders/nets.py", "trainer/*", "deploy/*"],
    "kafka": [
        "streams/app.py",
        "streams/connection.py",
        "streams/diagnosis.py",
        "streams/follower.py",
        "streams/log.py",
        "streams/model_log.py",
        "streams/producer.py",
        "streams/topics.py",
        "streams/wire.py",
        "trainer/*",
        "deploy/*",
    ],
    "typer": ["deploy/cli*.py"],
    "fsspec": ["streams/registry.py"],
    "safetensors": ["encoders/bundle.py", "trainer/checkpoint.py"],
    "prometheus_client": ["streams/app*.py", "streams/health.py", "streams/metrics.py", "trainer/*"],
    "rich": ["deploy/*"],
    "matplotlib": ["deploy/*"],
    "scipy": ["deploy/*"],
}
FILES = sorted(path.relative_to(ROOT).as_posix() for name in PACKAGES for path in (ROOT / name).rglob("*.py"))


def imported(file: str) -> Iterator[str]:
    """Every module that a file imports anywhere, `.` in front where it is relative."""
    for node in ast.walk(ast.parse((ROOT / file).read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def test_the_packages_are_there() -> None:
    assert {file.split("/")[0] for file in FILES} == set(PACKAGES)


@pytest.mark.parametrize("file", FILES)
def test_no_import_points_back(file: str) -> None:
    package = file.split("/")[0]
    later = PACKAGES[PACKAGES.index(package) + 1 :]
    back = [name for name in imported(file) if name.startswith(".") or name.split(".")[0] in (*later, "tests")]
    assert not back, f"{file} imports {back}: wanted absolute imports, encoders <- streams <- trainer <- deploy"


@pytest.mark.parametrize("file", FILES)
def test_a_heavy_library_stays_in_its_place(file: str) -> None:
    known = {name.split(".")[0] for name in imported(file)}
    lost = [name for name in known & PLACES.keys() if not any(fnmatch(file, place) for place in PLACES[name])]
    assert not lost, f"{file} imports {lost}; their places are {[PLACES[name] for name in lost]}"


@pytest.mark.parametrize("file", FILES)
def test_a_file_is_short_and_so_are_its_functions(file: str) -> None:
    text = (ROOT / file).read_text()
    long = [
        node.name
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - without_docstring(node).lineno + 1 > MAX_FUNCTION_LINES
    ]
    assert text.count("\n") < MAX_LINES, f"{file} has {text.count(chr(10))} lines, wanted under {MAX_LINES}"
    assert not long, f"{file}: {long} have more than {MAX_FUNCTION_LINES} lines"


@pytest.mark.parametrize("file", FILES)
def test_a_file_is_named_after_a_thing(file: str) -> None:
    assert Path(file).stem not in VAGUE


def test_a_package_holds_a_docstring_only() -> None:
    for package in PACKAGES:
        body = ast.parse((ROOT / package / "__init__.py").read_text()).body
        assert [type(node) for node in body] == [ast.Expr]


def without_docstring(node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.stmt:
    """The first statement of a function that does something."""
    has_docstring = ast.get_docstring(node) is not None and len(node.body) > 1
    return node.body[1] if has_docstring else node.body[0]
