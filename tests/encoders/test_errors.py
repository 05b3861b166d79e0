"""The one tree of errors; that every error of the product is in it is read from the sources."""

import ast
import builtins
from pathlib import Path

from encoders.errors import MmbindError, UsageError

ROOT = Path(__file__).parents[2]
PRODUCT = ("encoders", "streams", "trainer", "deploy")


def classes() -> dict[str, list[str]]:
    """The bases, as they are written, of each class of the product by its name."""
    files = [file for name in PRODUCT for file in sorted((ROOT / name).rglob("*.py"))]
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.ClassDef)]
    return {node.name: [ast.unparse(base).split(".")[-1] for base in node.bases] for node in nodes}


def ancestors(name: str, known: dict[str, list[str]]) -> set[str]:
    return set(known.get(name, ())).union(*(ancestors(base, known) for base in known.get(name, ())))


def is_builtin_error(name: str) -> bool:
    found = getattr(builtins, name, None)
    return isinstance(found, type) and issubclass(found, BaseException)


def errors() -> dict[str, set[str]]:
    """The ancestors of each exception of the product that is not private to its module."""
    known = classes()
    found = {name: ancestors(name, known) for name in known if not name.startswith("_")}
    return {name: above for name, above in found.items() if any(map(is_builtin_error, above))}


def test_every_error_of_the_product_is_in_the_tree() -> None:
    assert len(errors()) > 20
    assert [name for name, above in errors().items() if name != "MmbindError" and "MmbindError" not in above] == []


def test_the_tree_that_is_drawn_names_them_all() -> None:
    drawn = ast.get_docstring(ast.parse((ROOT / "encoders/errors.py").read_text())) or ""
    assert [name for name in errors() if name not in drawn] == []


def test_what_was_given_wrong_ends_with_2_and_all_else_with_1() -> None:
    assert (MmbindError("x").exit_code, UsageError("x").exit_code) == (1, 2)
    wrong = {name for name, above in errors().items() if "UsageError" in above}
    assert wrong == {
        "ConfigError",
        "CheckpointError",
        "CheckpointTooNew",
        "KeysError",
        "RecordingError",
        "TableError",
        "WrongInput",
    }
