"""The hash of the code changes with what the code does, wherever it lies, and with nothing else."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.learning.arms import Task, product_settings
from benchmarks.learning.data import World
from benchmarks.learning.stamp import APART, ROOT, code_hash, fingerprint, hashed_files, without_code

COUNTED = (
    "encoders/nets.py",
    "streams/binder.py",
    "streams/review/smoothing.py",
    "trainer/step/loss.py",
    "deploy/replay/loop.py",
    "benchmarks/slots.py",
    "benchmarks/learning/training.py",
    "benchmarks/learning/arms/below.py",
)
SHOWN = (
    "benchmarks/spread.py",
    "benchmarks/learning/table.py",
    "benchmarks/learning/finetune.py",
    "benchmarks/fleet/data.py",
)
MODULE = '''"""What it is."""


def double(x: int) -> int:
    """Twice as much."""
    return 2 * x
'''


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small tree with a module in each place."""
    for name in (*COUNTED, *SHOWN):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(MODULE)
    return tmp_path


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


@pytest.mark.parametrize("name", COUNTED)
def test_a_module_that_does_something_else_changes_it_however_deep_it_lies(root: Path, name: str) -> None:
    before = code_hash(root)
    change(root / name, "2 * x", "3 * x")
    assert code_hash(root) != before


@pytest.mark.parametrize("name", COUNTED)
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"""Twice as much."""', '"""The double."""'),
        ('"""What it is."""', '"""Something else."""'),
        ("    return", "    # Since it was asked for.\n    return"),
        ("2 * x", "2*x"),
    ],
)
def test_words_and_layout_do_not_change_it(root: Path, name: str, old: str, new: str) -> None:
    before = code_hash(root)
    change(root / name, old, new)
    assert code_hash(root) == before


@pytest.mark.parametrize("name", SHOWN)
def test_what_only_shows_figures_and_other_benchmarks_do_not_change_it(root: Path, name: str) -> None:
    before = code_hash(root)
    change(root / name, "2 * x", "3 * x")
    assert code_hash(root) == before


def test_a_new_module_changes_it(root: Path) -> None:
    before = code_hash(root)
    (root / "streams/review/second_opinion.py").write_text("OPINION = 1")
    assert code_hash(root) != before


def test_more_files_count_if_they_are_named(root: Path) -> None:
    more = ["benchmarks/learning/finetune.py"]
    before = code_hash(root, more)
    assert before != code_hash(root)
    change(root / more[0], "2 * x", "3 * x")
    assert code_hash(root, more) != before


def imported(file: str) -> Iterator[str]:
    """Files of the project that a file imports, wherever it does."""
    names = [
        node.module if isinstance(node, ast.ImportFrom) else alias.name
        for node in ast.walk(ast.parse((ROOT / file).read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    ]
    paths = (f"{name.replace('.', '/')}.py" for name in names if name)
    return (path for path in paths if (ROOT / path).is_file())


def test_all_that_an_arm_is_trained_with_counts() -> None:
    found, todo = set[str](), ["benchmarks/learning/training.py"]
    while todo:
        file = todo.pop()
        if file not in found:
            found.add(file)
            todo += imported(file)
    assert "streams/pipeline.py" in found and "benchmarks/slots.py" in found
    assert not found - {*hashed_files(ROOT)}


def test_all_that_is_left_out_is_there() -> None:
    assert all((ROOT / name).is_file() for name in APART)


def test_a_fingerprint_tells_settings_and_code_apart_and_not_seeds(world: World) -> None:
    def stamp(seed: int = 0, n_steps: int = 4, code: str = "a" * 64) -> str:
        return fingerprint(Task(world, "ours/soft", product_settings(world, seed), n_steps), code)

    assert stamp(seed=0) == stamp(seed=1)
    assert stamp(n_steps=5) != stamp() != stamp(code="b" * 64)
    assert without_code(stamp()) == without_code(stamp(code="b" * 64)) != without_code(stamp(n_steps=5))
