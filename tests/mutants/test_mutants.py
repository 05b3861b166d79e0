"""The catalogue fits the code that it makes wrong, and the runner tells what is caught from what is not."""

from collections import Counter
from pathlib import Path

import pytest

from tests.mutants.__main__ import MAY_SURVIVE, summary
from tests.mutants.catalogue import MUTATIONS, PARTS
from tests.mutants.mutation import Mutation, NotApplicable
from tests.mutants.trial import Bench, Verdict

ROOT = Path(__file__).parents[2]
LEAST = 60


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda one: one.name.replace(" ", "-"))
def test_a_mutation_still_applies_and_its_tests_are_there(mutation: Mutation) -> None:
    text = (ROOT / mutation.file).read_text()
    assert mutation.mutated(text) != text
    compile(mutation.mutated(text), mutation.file, "exec")
    for test in mutation.tests:
        file, _, name = test.partition("::")
        assert not name or f"def {name}(" in (ROOT / file).read_text(), f"{mutation.name}: there is no {test}"


def test_there_are_enough_and_each_has_a_name_of_its_own() -> None:
    assert len(MUTATIONS) >= LEAST > 10 * MAY_SURVIVE
    assert not [name for name, times in Counter(one.name for one in MUTATIONS).items() if times > 1]
    assert all(PARTS.values())


def test_an_old_text_that_is_not_there_once_is_an_error_that_names_the_mutation() -> None:
    mutation = Mutation("the sum is a difference", "sums.py", "a + b", "a - b", ())
    assert mutation.mutated("a + b + c") == "a - b + c"
    for text in ("a * b", "a + b, a + b"):
        with pytest.raises(NotApplicable, match=r"the sum is a difference: 'a \+ b' occurs . times in sums\.py"):
            mutation.mutated(text)


@pytest.fixture(scope="module")
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """On a project of one function and one test, which needs no plugins."""
    monkeypatch = pytest.MonkeyPatch()
    request.addfinalizer(monkeypatch.undo)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    project = tmp_path_factory.mktemp("project")
    for package in ("encoders", "streams", "trainer", "deploy", "tests"):
        (project / package).mkdir()
        (project / package / "__init__.py").touch()
    (project / "streams" / "sums.py").write_text("def total(a, b):\n    return a + b + 0\n")
    (project / "tests" / "test_sums.py").write_text(
        "from streams.sums import total\n\ndef test_adds():\n    assert total(1, 2) == 3\n"
    )
    return Bench(project, tmp_path_factory.mktemp("benches").resolve() / "1")


def mutation(name: str, old: str, new: str) -> Mutation:
    return Mutation(name, "streams/sums.py", old, new, ("tests/test_sums.py",))


def test_the_copy_is_what_is_tested_even_where_the_project_is_installed(bench: Bench) -> None:
    assert bench.foreign() == {}
    assert bench.test(["tests"], 60).code == 0


def test_a_mutation_is_caught_or_survives_or_cannot_be_tried_and_leaves_no_trace(bench: Bench) -> None:
    before = (bench.root / "streams" / "sums.py").read_text()
    wrong, same = mutation("wrong", "a + b", "a - b"), mutation("same", " + 0", "")
    broken = mutation("broken", "def total", "def sum_of")
    assert bench.verdict(wrong, 60) == Verdict(wrong, "caught", "tests/test_sums.py::test_adds")
    assert bench.verdict(same, 60) == Verdict(same, "SURVIVED")
    assert bench.verdict(broken, 60).outcome == "BROKEN", "no test would run at all"
    assert (bench.root / "streams" / "sums.py").read_text() == before


def test_what_never_ends_is_caught_and_ended(bench: Bench) -> None:
    endless = mutation("endless", "return a + b", "while True: pass\n    return a + b")
    assert bench.verdict(endless, 1).by == "taking longer than 1 s"


def test_a_summary_counts_by_part_and_names_what_was_not_caught() -> None:
    first, second = PARTS["arrival"][:2]
    told = summary([Verdict(first, "caught", "a test"), Verdict(second, "SURVIVED")], 61.4)
    assert told.splitlines() == [
        "arrival: 1 of 2 caught",
        f"SURVIVED: {second.name} ({second.file})",
        "1 of 2 caught, 61 s",
    ]
