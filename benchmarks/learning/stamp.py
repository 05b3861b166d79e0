"""What tells rows of different making apart: a hash of all settings, and one of the code."""

import ast
import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from benchmarks.learning.arms import Task

ROOT = Path(__file__).parents[2]
# Where the code lies that figures come from: packages with all that is below them, and the modules right in a folder.
PACKAGES = ("encoders", "streams", "trainer", "deploy", "benchmarks/learning")
FOLDERS = ("benchmarks",)
# What only reads the command line, shows what was found or keeps it; and the other benchmark, which names its own.
APART = {
    *(f"benchmarks/{name}.py" for name in ("__init__", "command_line", "fingerprint", "spread")),
    *(f"benchmarks/learning/{name}.py" for name in ("__init__", "__main__", "command", "table", "figure")),
    *(f"benchmarks/learning/{name}.py" for name in ("rows", "journal", "pool")),
    *(f"benchmarks/learning/{name}.py" for name in ("finetune", "finetune_table", "protocol", "classifier", "frozen")),
}


def fingerprint(task: Task, code: str) -> str:
    """Of all settings and of the code, so that figures of different ones are never taken together."""
    settings = task.settings.model_copy(update={"trainer": task.trainer.model_copy(update={"seed": 0})})
    kept = settings.model_dump(
        mode="json", include={"trainer", "binding", "index", "modalities", "shared_modality", "labels"}
    )
    text = json.dumps([kept, task.n_steps, task.n_cycles, task.world.recordings.name], sort_keys=True)
    return f"{hashlib.sha256(text.encode()).hexdigest()[:12]}-{code[:12]}"


def without_code(found: str) -> str:
    """The part of a fingerprint that stands for the settings."""
    return found.partition("-")[0]


def code_hash(root: Path = ROOT, more: Iterable[str] = ()) -> str:
    """Of what the code does that the figures come from; comments and docstrings do not count.

    Args:
        root: The folder with all packages.
        more: Files below it that count too.
    """
    whole = hashlib.sha256()
    for name in sorted({*hashed_files(root), *more}):
        whole.update(_meaning((root / name).read_text("utf-8")).encode())
    return whole.hexdigest()


def hashed_files(root: Path) -> Iterator[str]:
    """The modules that count, by their paths below the root."""
    found = [path for name in PACKAGES for path in (root / name).rglob("*.py")]
    found += [path for name in FOLDERS for path in (root / name).glob("*.py")]
    names = (path.relative_to(root).as_posix() for path in found)
    return (name for name in names if name not in APART)


def _meaning(source: str) -> str:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and isinstance(body[0] if body else None, ast.Expr):
            first = body[0].value
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                del body[0]
    return ast.dump(tree)
