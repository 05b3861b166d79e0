"""The loss against its formula, written out with loops."""

from math import exp, log
from typing import Any

import numpy as np
import pytest
import torch
from jaxtyping import TypeCheckError

from trainer.step.loss import edge_losses, logsumexp_by_group, shares_of, softened_log_weights

TEMPERATURE = 0.1
GROUPS = [0] * 6 + [1] * 7 + [2] * 3


def unit_rows(n_rows: int, seed: int) -> torch.Tensor:
    rows = np.random.default_rng(seed).standard_normal((n_rows, 5))
    return torch.from_numpy(rows / np.linalg.norm(rows, axis=1, keepdims=True)).float()


def by_hand(problem: dict[str, Any], query: int, key: int) -> float:
    """One edge between two modalities, whatever others there are."""
    rows, groups = problem["rows"], problem["groups"].tolist()

    def share(one: int, other: int) -> float:
        return exp(float(rows[one] @ rows[other]) / TEMPERATURE)

    def against(row: int, group: int) -> float:
        return sum(
            share(row, other) * exp(float(problem["log_weights"][row, other]))
            for other in range(len(rows))
            if groups[other] == group and not problem["related"][row, other]
        )

    positive = share(query, key)
    forward, backward = positive + against(query, groups[key]), positive + against(key, groups[query])
    return (-log(positive / forward) - log(positive / backward)) / 2


@pytest.fixture
def problem() -> dict[str, Any]:
    related = torch.eye(16, dtype=torch.bool)
    for one, other in ((0, 6), (1, 7), (2, 9), (0, 11), (8, 13)):
        related[one, other] = related[other, one] = True
    log_weights = -torch.from_numpy(np.random.default_rng(2).exponential(size=(16, 16))).float()
    return {
        "rows": unit_rows(16, 0),
        "groups": torch.tensor(GROUPS),
        "n_groups": 3,
        "queries": torch.tensor([0, 1, 2, 0, 8, 4]),
        "keys": torch.tensor([6, 7, 9, 11, 13, 15]),
        "related": related,
        "log_weights": log_weights + log_weights.T,
    }


def test_is_the_sum_written_out_for_every_pair_of_modalities(problem: dict[str, Any]) -> None:
    found = edge_losses(**problem, temperature=TEMPERATURE)

    edges = zip(problem["queries"].tolist(), problem["keys"].tolist(), strict=True)
    assert found.tolist() == pytest.approx([by_hand(problem, *edge) for edge in edges], rel=1e-5)


def test_what_is_related_is_never_a_negative(problem: dict[str, Any]) -> None:
    before = edge_losses(**problem, temperature=TEMPERATURE)

    # Row 11 is related to row 0, and edge 0 asks with row 0: moving row 11 onto it must not cost anything.
    problem["rows"][11] = problem["rows"][0]

    assert float(edge_losses(**problem, temperature=TEMPERATURE)[0]) == pytest.approx(float(before[0]), rel=1e-6)


def test_a_modality_more_changes_no_loss_of_the_others(problem: dict[str, Any]) -> None:
    before = edge_losses(**problem, temperature=TEMPERATURE)

    problem["rows"][13:] = problem["rows"][[0, 1, 6]]

    torch.testing.assert_close(edge_losses(**problem, temperature=TEMPERATURE)[:4], before[:4])


def test_swapping_queries_and_keys_changes_nothing(problem: dict[str, Any]) -> None:
    swapped = problem | {"queries": problem["keys"], "keys": problem["queries"]}

    torch.testing.assert_close(
        edge_losses(**swapped, temperature=TEMPERATURE), edge_losses(**problem, temperature=TEMPERATURE)
    )


def test_an_edge_without_negatives_costs_nothing_and_pulls_nowhere() -> None:
    rows = unit_rows(2, 0).requires_grad_()
    all_related, ends = torch.ones(2, 2, dtype=torch.bool), torch.arange(2)

    loss = edge_losses(rows, ends, 2, ends[:1], ends[1:], all_related, torch.zeros(2, 2), TEMPERATURE)
    loss.sum().backward()  # type: ignore[no-untyped-call]

    assert float(loss.detach()[0]) == 0
    assert rows.grad is not None and rows.grad.abs().max() == 0


def test_refuses_matrices_that_do_not_fit_together(problem: dict[str, Any]) -> None:
    problem["related"] = problem["related"][:, :5]

    with pytest.raises(TypeCheckError):
        edge_losses(**problem, temperature=TEMPERATURE)


def test_no_group_vanishes_beside_another_and_none_overflows() -> None:
    values = torch.tensor([[300.0, 300.0, -300.0, -301.0]])

    found = logsumexp_by_group(values, torch.tensor([0, 0, 1, 1]), 2)

    assert found[0].tolist() == pytest.approx([300 + log(2), -300 + log(1 + exp(-1))], rel=1e-6)


def test_only_ratios_of_weights_matter() -> None:
    weights = np.array([0.5, 0.0, 1.5], np.float32)

    assert shares_of(weights).tolist() == pytest.approx([0.25, 0, 0.75])
    assert shares_of(1000 * weights).tolist() == pytest.approx([0.25, 0, 0.75])


@pytest.mark.parametrize("weights", [[0.0, 0.0], [1.0, -0.5], [float("nan"), 1.0]])
def test_refuses_weights_without_a_mean(weights: list[float]) -> None:
    with pytest.raises(ValueError, match="wanted all at least 0 and one above"):
        shares_of(np.array(weights, np.float32))


def test_look_alikes_leave_the_negatives_gradually() -> None:
    similarities = torch.tensor([[0.5, 0.5 + 0.03], [-torch.inf, 0.5 - 0.3]])

    weights = softened_log_weights(similarities, quantile=0.5, width=0.03).exp()

    assert weights.flatten().tolist() == pytest.approx([0.5, 1 / (1 + exp(1)), 1.0, 1 / (1 + exp(-10))], rel=1e-5)
