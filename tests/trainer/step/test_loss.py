"""The loss against its formula, written out with loops."""

from math import exp, log

import numpy as np
import pytest
import torch
from jaxtyping import TypeCheckError

from trainer.step.loss import edge_losses, softened_log_weights, weighted_mean

TEMPERATURE = 0.1


def unit_rows(n_rows: int, seed: int) -> torch.Tensor:
    rows = np.random.default_rng(seed).standard_normal((n_rows, 5))
    return torch.from_numpy(rows / np.linalg.norm(rows, axis=1, keepdims=True)).float()


def by_hand(
    queries: torch.Tensor,
    keys: torch.Tensor,
    edge: tuple[int, int],
    related: torch.Tensor,
    log_weights: torch.Tensor,
) -> float:
    def share(row: int, column: int) -> float:
        return exp(float(queries[row] @ keys[column]) / TEMPERATURE)

    row, column = edge
    positive = share(row, column)
    forward, backward = positive, positive
    for other in range(len(keys)):
        if not related[row, other]:
            forward += share(row, other) * exp(float(log_weights[row, other]))
    for other in range(len(queries)):
        if not related[other, column]:
            backward += share(other, column) * exp(float(log_weights[other, column]))
    return (-log(positive / forward) - log(positive / backward)) / 2


@pytest.fixture
def problem() -> dict[str, torch.Tensor]:
    related = torch.zeros(6, 7, dtype=torch.bool)
    related[[0, 1, 2, 0], [0, 1, 3, 5]] = True
    return {
        "queries": unit_rows(6, 0),
        "keys": unit_rows(7, 1),
        "query_rows": torch.tensor([0, 1, 2, 0]),
        "key_rows": torch.tensor([0, 1, 3, 5]),
        "related": related,
        "log_weights": -torch.from_numpy(np.random.default_rng(2).exponential(size=(6, 7))).float(),
    }


def test_is_the_sum_written_out(problem: dict[str, torch.Tensor]) -> None:
    found = edge_losses(**problem, temperature=TEMPERATURE)

    edges = zip(problem["query_rows"].tolist(), problem["key_rows"].tolist(), strict=True)
    wanted = [
        by_hand(problem["queries"], problem["keys"], edge, problem["related"], problem["log_weights"]) for edge in edges
    ]
    assert found.tolist() == pytest.approx(wanted, rel=1e-5)


def test_what_is_related_is_never_a_negative(problem: dict[str, torch.Tensor]) -> None:
    before = edge_losses(**problem, temperature=TEMPERATURE)

    # Key 5 is related to query 0, and edge 0 asks with query 0: moving key 5 onto it must not cost anything.
    problem["keys"][5] = problem["queries"][0]

    assert float(edge_losses(**problem, temperature=TEMPERATURE)[0]) == pytest.approx(float(before[0]), rel=1e-6)


def test_swapping_queries_and_keys_changes_nothing(problem: dict[str, torch.Tensor]) -> None:
    swapped = {
        "queries": problem["keys"],
        "keys": problem["queries"],
        "query_rows": problem["key_rows"],
        "key_rows": problem["query_rows"],
        "related": problem["related"].T,
        "log_weights": problem["log_weights"].T,
    }

    torch.testing.assert_close(
        edge_losses(**swapped, temperature=TEMPERATURE), edge_losses(**problem, temperature=TEMPERATURE)
    )


def test_an_edge_without_negatives_costs_nothing_and_pulls_nowhere() -> None:
    queries, keys = unit_rows(1, 0).requires_grad_(), unit_rows(1, 1)
    ends = torch.tensor([0])

    loss = edge_losses(queries, keys, ends, ends, torch.ones(1, 1, dtype=torch.bool), torch.zeros(1, 1), TEMPERATURE)
    loss.sum().backward()  # type: ignore[no-untyped-call]

    assert float(loss.detach()[0]) == 0
    assert queries.grad is not None and queries.grad.abs().max() == 0


def test_refuses_matrices_that_do_not_fit_together(problem: dict[str, torch.Tensor]) -> None:
    problem["related"] = problem["related"].T

    with pytest.raises(TypeCheckError):
        edge_losses(**problem, temperature=TEMPERATURE)


def test_only_ratios_of_weights_matter() -> None:
    losses, weights = torch.tensor([1.0, 2.0, 4.0]), torch.tensor([0.5, 0.0, 1.5])

    assert float(weighted_mean(losses, weights)) == pytest.approx((0.5 * 1 + 1.5 * 4) / 2)
    assert float(weighted_mean(losses, 1000 * weights)) == pytest.approx(float(weighted_mean(losses, weights)))


@pytest.mark.parametrize("weights", [[0.0, 0.0], [1.0, -0.5], [float("nan"), 1.0]])
def test_refuses_weights_without_a_mean(weights: list[float]) -> None:
    with pytest.raises(ValueError, match="wanted all at least 0 and one above"):
        weighted_mean(torch.ones(2), torch.tensor(weights))


def test_look_alikes_leave_the_negatives_gradually() -> None:
    similarities = torch.tensor([[0.5, 0.5 + 0.03], [-torch.inf, 0.5 - 0.3]])

    weights = softened_log_weights(similarities, quantile=0.5, width=0.03).exp()

    assert weights.flatten().tolist() == pytest.approx([0.5, 1 / (1 + exp(1)), 1.0, 1 / (1 + exp(-10))], rel=1e-5)
