"""Who may import whom, where heavy libraries live, how long files are. Reads the sources, imports nothing."""

import ast
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# Each package may import from those before it, and within one each room from those before it.
ORDER = {
    "encoders": "errors schema blocks modality manifest card scaling bridge bundle nets loaded_model onnx_model",
    "streams": "recent records labels section registry_settings settings stopwatch messages similarity features broker "
    "forgotten catalogue intake cutting history service models precision arrival review binder pipeline binding "
    "producer client standalone follower testing worker",
    "trainer": "settings newest_scaling pace cycles step parallel judging replay downstream labelling state taught "
    "learner controls candidate bridging metrics checkpoints topics retraining rollout admission parts readiness "
    "readings safekeeping offering training service",
    "deploy": "errors printable settings tables recordings topics discovery bridges rejects audit machine report "
    "replay downstream labelling lineage models trials demo simulation followers documents top cli",
    "benchmarks": "data_sets hugadb slots default_settings spread command_line fingerprint "
    "bridges onnx speed learning downstream orders labels fleet late reliability workers soak rollout trainer",
}
ROOMS = {package: rooms.split() for package, rooms in ORDER.items()}
PRODUCT = ("encoders", "streams", "trainer", "deploy")
# Tests stand where what they test stands; these are of no one package.
TESTS_OF_ALL = (
    "tests/test_architecture.py",
    "tests/test_end_to_end.py",
    "tests/conftest.py",
    "tests/docs/",
    "tests/packaging/",
    "tests/chaos/",
    "tests/mutants/",
)
# More than a test: a harness that people run, whose files share what lies beside them.
HARNESSES = ("tests/chaos/", "tests/mutants/")
MAX_LINES = 250
MAX_FUNCTION_LINES = 40
VAGUE = {"utils", "util", "common", "helpers", "helper", "base", "core", "misc"}
MAY_BE_CALLED_SO = {"benchmarks/speed/core.py"}  # the core is what it measures

# A library that is heavy, or that a seam is there to hide, and the files that may know it.
PLACES = {
    "faust": ["streams/worker/*"],
    "aiokafka": ["streams/worker/*"],
    "hnswlib": ["streams/history/index.py"],
    "torch": ["encoders/nets.py", "trainer/*", "deploy/*"],
    "kafka": [
        "streams/broker/*",
        "streams/messages/outbox.py",
        "streams/models/log.py",
        "streams/service/lifecycle.py",
        "streams/producer.py",
        "streams/catalogue.py",
        "trainer/*",
        "deploy/*",
    ],
    "onnx": ["deploy/models/onnx_graph.py"],
    "onnxruntime": ["encoders/onnx_model.py"],
    "typer": ["deploy/cli/*"],
    "fsspec": ["streams/models/registry.py"],
    "cryptography": ["streams/models/signing.py"],
    "safetensors": ["encoders/bundle.py", "trainer/checkpoints/checkpoint.py"],
    "prometheus_client": [
        "streams/worker/*",
        "streams/service/health.py",
        "trainer/*",
        "deploy/demo/services.py",
        "deploy/documents/metrics_page.py",
        "deploy/bridges/*",
    ],
    "psutil": ["streams/service/folder_lock.py", "deploy/machine/process.py"],
    "tomli_w": ["deploy/settings/*"],
    "rich": ["deploy/*"],
    "matplotlib": ["deploy/*"],
    "scipy": ["deploy/*"],
    "pyarrow": ["deploy/tables/blocks.py"],
    "paho": ["deploy/bridges/subscription.py"],
}


def files_of(*folders: str) -> list[str]:
    return sorted(path.relative_to(ROOT).as_posix() for name in folders for path in (ROOT / name).rglob("*.py"))


FILES = files_of(*PRODUCT)
BENCHMARKS = files_of("benchmarks")
TESTS = files_of("tests")


@cache
def imported(file: str) -> tuple[str, ...]:
    """Every module that a file imports anywhere, `.` in front where it is relative."""
    return tuple(_imported(file))


def _imported(file: str) -> Iterator[str]:
    for node in ast.walk(ast.parse((ROOT / file).read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield module
            # `from package import module` imports both.
            yield from (f"{module}.{name.name}" for name in node.names if is_module(f"{module}.{name.name}"))


def is_module(name: str) -> bool:
    path = ROOT / name.replace(".", "/")
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def room_of(file: str) -> str:
    """The package or module right below a top-level folder."""
    return file.split("/")[1].removesuffix(".py")


def points_back(file: str, name: str) -> bool:
    """Whether an import of a file is of what stands after it."""
    package, room = file.split("/")[0], room_of(file)
    target, _, rest = name.partition(".")
    if name.startswith(".") or target == "tests":
        return True
    packages = list(ROOMS)
    if target not in packages:
        return False
    if target != package:
        return packages.index(target) > packages.index(package)
    rooms, wanted = ROOMS[package], rest.split(".")[0]
    return bool(wanted) and wanted != room and rooms.index(wanted) > rooms.index(room)


def test_every_room_is_there_and_no_other() -> None:
    for package, rooms in ROOMS.items():
        found = {room_of(file) for file in files_of(package)} - {"__init__"}
        assert found == set(rooms) & found, f"{package}: say where {found - set(rooms)} stand in ORDER"
        assert found == set(rooms), f"{package} has no {set(rooms) - found}"


@pytest.mark.parametrize("file", [*FILES, *BENCHMARKS])
def test_no_import_points_back(file: str) -> None:
    back = [name for name in imported(file) if points_back(file, name)]
    rooms = " <- ".join(ROOMS[file.split("/")[0]])
    assert not back, f"{file} imports {back}: wanted absolute imports, {' <- '.join(ROOMS)}, and inside {rooms}"


@pytest.mark.parametrize("package", list(ROOMS))
def test_no_two_modules_import_each_other(package: str) -> None:
    names = {file.removesuffix(".py").replace("/", "."): file for file in files_of(package)}
    graph = {name: {one for one in imported(file) if one in names} for name, file in names.items()}
    TopologicalSorter(graph).prepare()  # raises CycleError, which names them


@pytest.mark.parametrize("file", TESTS)
def test_a_test_stands_where_what_it_tests_stands(file: str) -> None:
    if file.startswith(TESTS_OF_ALL) or file.startswith("tests/support/") or file.endswith("__init__.py"):
        return
    assert (ROOT / Path(file).parent.relative_to("tests")).is_dir(), f"{file} mirrors no folder"


@pytest.mark.parametrize("file", TESTS)
def test_tests_share_what_lies_in_support_and_nothing_else(file: str) -> None:
    shared = ["tests.support", *(one.strip("/").replace("/", ".") for one in HARNESSES if file.startswith(one))]
    own = [name for name in imported(file) if name.startswith("tests.") and not name.startswith(tuple(shared))]
    assert not own, f"{file} imports {own}: what two tests need belongs into tests/support"
    if not file.startswith("tests/benchmarks/"):
        assert not [name for name in imported(file) if name.split(".")[0] == "benchmarks"], f"{file} needs a benchmark"


@pytest.mark.parametrize("file", FILES)
def test_a_heavy_library_stays_in_its_place(file: str) -> None:
    known = {name.split(".")[0] for name in imported(file)}
    lost = [name for name in known & PLACES.keys() if not any(fnmatch(file, place) for place in PLACES[name])]
    assert not lost, f"{file} imports {lost}; their places are {[PLACES[name] for name in lost]}"


@pytest.mark.parametrize("file", [*FILES, *BENCHMARKS])
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


@pytest.mark.parametrize("file", TESTS)
def test_a_test_file_is_short(file: str) -> None:
    n_lines = (ROOT / file).read_text().count("\n")
    assert n_lines < MAX_LINES, f"{file} has {n_lines} lines, wanted under {MAX_LINES}"


@pytest.mark.parametrize("file", [*FILES, *BENCHMARKS])
def test_a_file_is_named_after_a_thing(file: str) -> None:
    assert Path(file).stem not in VAGUE or file in MAY_BE_CALLED_SO


@pytest.mark.parametrize("file", [file for file in [*FILES, *BENCHMARKS] if file.endswith("__init__.py")])
def test_a_package_says_what_comes_in_and_what_goes_out_and_names_its_doors(file: str) -> None:
    """A door is a module that others import; whatever the docstring does not name is the package's own."""
    tree = ast.parse((ROOT / file).read_text())
    # What a script imports of this one is made as it is imported.
    if not file.startswith("streams/standalone/"):
        assert [type(node) for node in tree.body] == [ast.Expr], "a docstring only"
    text = ast.get_docstring(tree) or ""
    folder = Path(file).parent
    if len(folder.parts) == 1:
        return
    assert re.search(r"\bIn: ", text) and re.search(r"\bOut: ", text), f"{file}: wanted `In: ...` and `Out: ...`"
    start = ".".join(folder.parts) + "."
    others = [one for one in [*FILES, *BENCHMARKS] if not one.startswith(f"{folder.as_posix()}/")]
    doors = {
        name.removeprefix(start).split(".")[0] for one in others for name in imported(one) if name.startswith(start)
    }
    unnamed = sorted(door for door in doors if f"`{door}`" not in text)
    assert not unnamed, f"{file}: others import {unnamed}; name them as doors, or do without"


def without_docstring(node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.stmt:
    """The first statement of a function that does something."""
    has_docstring = ast.get_docstring(node) is not None and len(node.body) > 1
    return node.body[1] if has_docstring else node.body[0]
