"""Shapes that stand in annotations are checked while tests run, and only in the modules that pyproject.toml names."""

import importlib.util
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from jaxtyping import TypeCheckError

from streams.precision.comparison import sureness
from streams.review.smoothing import smoothed
from streams.similarity.standard_units import standardised

OPTION = "--jaxtyping-packages="
SQUARE, OBLONG, CODES = np.zeros((3, 3), np.float32), np.zeros((3, 2), np.float32), np.arange(3)


def checked() -> list[str]:
    """The modules that pyproject.toml names; the last one is what checks."""
    with (Path(__file__).parent.parent / "pyproject.toml").open("rb") as file:
        options = tomllib.load(file)["tool"]["pytest"]["ini_options"]["addopts"].split()
    (names,) = (option.removeprefix(OPTION) for option in options if option.startswith(OPTION))
    return str(names).split(",")[:-1]


@pytest.mark.parametrize("name", checked())
def test_what_is_to_be_checked_is_a_module(name: str) -> None:
    assert importlib.util.find_spec(name) is not None, f"pyproject.toml names {name}, which is no module"


@pytest.mark.parametrize(
    "call",
    [
        lambda: standardised(SQUARE, np.ones((2, 2), bool)),
        lambda: standardised(SQUARE, SQUARE),
        lambda: smoothed(SQUARE, SQUARE, CODES, CODES[:2]),
        lambda: sureness(OBLONG, OBLONG),
    ],
    ids=["similarity: unequal", "similarity: not of that type", "review: unequal", "precision: not square"],
)
def test_a_wrong_shape_is_an_error(call: Callable[[], np.ndarray]) -> None:
    with pytest.raises(TypeCheckError, match="Type-check error"):
        call()
