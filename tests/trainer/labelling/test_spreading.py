"""Where mass comes to lie, against the limit written out."""

import numpy as np
import pytest

from trainer.labelling.graph import NO_EDGES, Edges
from trainer.labelling.spreading import KEPT, spread


def edges(*each: tuple[int, int, float]) -> Edges:
    left, right, weight = zip(*each, strict=True)
    return Edges(np.array(left), np.array(right), np.array(weight, float))


def limit(given: Edges, mass: np.ndarray) -> np.ndarray:
    """(1 - a) (I - a S)^-1 F, by a dense inverse."""
    one_way = np.zeros((len(mass), len(mass)))
    np.add.at(one_way, (given.left, given.right), given.weight)
    both = one_way + one_way.T
    degrees = np.maximum(both.sum(1), 1e-12)
    steps = both / np.sqrt(degrees[:, None] * degrees[None, :])
    found: np.ndarray = (1 - KEPT) * np.linalg.solve(np.eye(len(mass)) - KEPT * steps, mass)
    return found


def test_mass_comes_to_lie_where_the_closed_form_says() -> None:
    given = edges((0, 1, 0.7), (1, 2, 0.2), (2, 3, 1.0), (0, 3, 0.1), (3, 0, 0.4), (0, 1, 0.3))
    mass = np.array([[1.0, 0.0], [0.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    # What is left to come after fifty rounds is half a percent.
    assert spread(given, mass) == pytest.approx(limit(given, mass), abs=0.006)


def test_the_way_in_which_an_edge_stands_does_not_matter() -> None:
    given = edges((0, 1, 0.7), (1, 2, 0.2), (3, 1, 0.5))
    turned = Edges(given.right, given.left, given.weight)
    mass = np.eye(4)[:, :2]
    assert np.allclose(spread(given, mass), spread(turned, mass))


def test_columns_do_not_know_of_each_other() -> None:
    given = edges((0, 1, 0.7), (1, 2, 0.2))
    mass = np.eye(3)
    alone = np.concatenate([spread(given, mass[:, [column]]) for column in range(3)], axis=1)
    assert np.allclose(spread(given, mass), alone)


def test_nothing_comes_where_no_way_leads() -> None:
    mass = np.eye(4)[:, :1]
    assert not spread(edges((0, 1, 1.0), (2, 3, 1.0)), mass)[2:].any()
    assert not spread(NO_EDGES, mass)[1:].any()
