"""The standard error of a difference: what both models share does not count, and few samples tell little."""

import numpy as np
import pytest

from trainer.judging.difference import standard_error

RNG = np.random.default_rng(0)
N = 400
EASY = dict(zip(map(str, range(N)), RNG.uniform(size=N).tolist(), strict=True))


def shifted(by: float, sd: float, n: int = N) -> dict[str, float]:
    """The same samples, each a little better or worse."""
    noise = RNG.normal(by, sd, size=n).tolist()
    return {name: EASY[name] + each for name, each in zip(list(EASY)[:n], noise, strict=True)}


def test_what_is_alike_in_both_does_not_count() -> None:
    assert standard_error({"a": EASY}, {"a": {name: value - 0.1 for name, value in EASY.items()}}, ["a"]) < 1e-9


def test_it_is_that_of_a_mean_of_differences() -> None:
    assert standard_error({"a": shifted(0.1, 0.2)}, {"a": EASY}, ["a"]) == pytest.approx(0.2 / N**0.5, rel=0.2)
    few = standard_error({"a": shifted(0.1, 0.2, 25)}, {"a": EASY}, ["a"])
    assert few == pytest.approx(0.2 / 25**0.5, rel=0.4)


def test_two_figures_of_the_same_samples_are_drawn_together() -> None:
    one, independent = shifted(0.0, 0.2), shifted(0.0, 0.2)
    alone = standard_error({"a": one}, {"a": EASY}, ["a"])
    assert standard_error({"a": one, "b": one}, {"a": EASY, "b": EASY}, ["a", "b"]) == pytest.approx(alone)
    both = standard_error({"a": one, "b": independent}, {"a": EASY, "b": EASY}, ["a", "b"])
    assert both == pytest.approx(alone / 2**0.5, rel=0.2)


def test_where_nothing_is_known_of_both_it_is_0() -> None:
    assert standard_error({}, {"a": EASY}, ["a"]) == 0.0
    assert standard_error({"a": {"1": 0.5}}, {"a": EASY}, ["a"]) == 0.0
