import numpy as np
import pytest

from encoders.scaling import Scaling
from streams.records import Label, Sample
from trainer.judging.evaluation import collapse, evaluate, instance_retrieval, missing_evidence, retrieval

UNSCALED = Scaling(center=np.zeros(2, np.float32), scale=np.ones(2, np.float32), n_windows=1)


def unit_rows(n_rows: int, seed: int, dim: int = 4) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal((n_rows, dim))
    unit: np.ndarray = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


def average_precision(similarities: np.ndarray, relevant: np.ndarray) -> float:
    found, precisions = 0, []
    for place, column in enumerate(sorted(range(len(similarities)), key=lambda one: -similarities[one]), 1):
        if relevant[column]:
            found += 1
            precisions.append(found / place)
    return sum(precisions) / len(precisions)


def test_class_retrieval_is_what_ranking_by_hand_gives() -> None:
    queries, gallery = unit_rows(12, 0), unit_rows(20, 1)
    asked, searched = np.arange(12) % 4, np.arange(20) % 3  # label 3 is not in the gallery

    found = retrieval(queries, gallery, asked, searched)

    answerable = [row for row in range(12) if asked[row] in searched]
    by_hand = [average_precision(gallery @ queries[row], searched == asked[row]) for row in answerable]
    nearest = [searched[np.argmax(gallery @ queries[row])] == asked[row] for row in answerable]
    assert found["cmap"] == pytest.approx(np.mean(by_hand))
    assert found["r_at_1"] == pytest.approx(np.mean(nearest))


def test_chance_is_the_mean_over_random_orders() -> None:
    labels, rng = np.repeat([0, 1, 2], [2, 5, 9]), np.random.default_rng(0)

    found = retrieval(unit_rows(16, 0), unit_rows(16, 1), labels, labels)

    drawn = [average_precision(rng.random(16), labels == label) for label in labels for _ in range(500)]
    assert found["chance_cmap"] == pytest.approx(np.mean(drawn), abs=0.005)
    assert found["chance_r_at_1"] == pytest.approx(np.mean([(labels == label).mean() for label in labels]))


def test_a_collapsed_encoder_gets_no_more_than_chance() -> None:
    labels, same = np.repeat(np.arange(10), 20), np.ones((200, 1))

    found = retrieval(same, same, labels, labels)

    assert found["cmap"] == pytest.approx(found["chance_cmap"], abs=0.02)
    assert instance_retrieval(same, same)["mrr"] < 0.02


def test_refuses_to_rank_without_a_common_label() -> None:
    with pytest.raises(ValueError, match="no query has a label that the gallery has"):
        retrieval(unit_rows(2, 0), unit_rows(2, 1), np.array([0, 0]), np.array([1, 1]))


def test_instance_retrieval_is_what_ranking_by_hand_gives() -> None:
    queries, gallery = unit_rows(15, 0), unit_rows(15, 1)

    found = instance_retrieval(queries, gallery)

    ranks = [1 + sum(float(queries[i] @ one) > float(queries[i] @ gallery[i]) for one in gallery) for i in range(15)]
    assert found["mrr"] == pytest.approx(np.mean([1 / rank for rank in ranks]))
    assert found["r_at_1"] == pytest.approx(np.mean([rank == 1 for rank in ranks]))
    assert found["chance_mrr"] == pytest.approx(np.mean([1 / rank for rank in range(1, 16)]))
    assert found["auc"] == pytest.approx(np.mean([(15 - rank) / 14 for rank in ranks]))


def test_the_luck_of_a_random_order_is_as_large_as_it_is_said_to_be() -> None:
    found = [instance_retrieval(unit_rows(30, 2 * seed), unit_rows(30, 2 * seed + 1)) for seed in range(300)]

    aucs = [one["auc"] for one in found]
    assert np.mean(aucs) == pytest.approx(0.5, abs=0.01)
    assert np.std(aucs) == pytest.approx(found[0]["chance_sd_auc"], rel=0.15)


def test_collapse_tells_all_directions_from_one() -> None:
    spread, line = collapse(np.concatenate([np.eye(8), -np.eye(8)])), collapse(np.tile(np.eye(8)[:1], (16, 1)))

    assert spread["effective_rank"] == pytest.approx(8) and spread["mean_cosine"] == pytest.approx(-1 / 15)
    assert line["effective_rank"] == pytest.approx(1) and line["mean_cosine"] == pytest.approx(1)


def test_mean_cosine_is_that_of_all_different_pairs() -> None:
    rows = unit_rows(9, 0)

    by_hand = np.mean([rows[i] @ rows[j] for i in range(9) for j in range(9) if i != j])

    assert collapse(rows)["mean_cosine"] == pytest.approx(by_hand)


def sample(number: int, modalities: str, label: Label | None) -> Sample:
    direction = np.array([[np.cos(number), np.sin(number)]], np.float32)
    return Sample(
        sample_id=f"watch@{number}",
        source_id="watch",
        start_ns=number,
        windows=dict.fromkeys(modalities, direction),
        scaling=dict.fromkeys(modalities, UNSCALED),
        held_out=True,
        label=label,
    )


def first_step(windows: np.ndarray) -> np.ndarray:
    return windows[:, 0]


ENCODERS = {"a": first_step, "b": first_step}


def test_judges_every_two_modalities_both_ways() -> None:
    figures = evaluate(ENCODERS, [sample(number, "ab", number % 3) for number in range(9)])

    instance = {"mrr", "chance_mrr", "auc", "chance_auc", "chance_sd_auc"}
    wanted = instance | {"cmap", "r_at_1", "chance_cmap", "chance_r_at_1"}
    for pair in ("a->b", "b->a"):
        assert {key.split("/")[2] for key in figures if key.startswith(f"retrieval/{pair}/")} == wanted
        assert figures[f"retrieval/{pair}/mrr"] == figures[f"retrieval/{pair}/r_at_1"] == 1.0
    assert {key.split("/")[1] for key in figures if key.startswith("collapse/")} == {"a", "b"}


def test_without_labels_only_instances_are_judged() -> None:
    figures = evaluate(ENCODERS, [sample(number, "ab", None) for number in range(9)], [("a", "b")])

    assert sorted(key for key in figures if key.startswith("retrieval/")) == [
        f"retrieval/a->b/{figure}" for figure in ("auc", "chance_auc", "chance_mrr", "chance_sd_auc", "mrr")
    ]


def test_without_common_samples_only_classes_are_judged_and_the_gap_is_named() -> None:
    held_out = [sample(number, "a" if number % 2 else "b", "walk" if number % 3 else 7) for number in range(12)]

    figures = evaluate(ENCODERS, held_out, [("a", "b")])

    assert "retrieval/a->b/cmap" in figures and "retrieval/a->b/mrr" not in figures
    assert missing_evidence(figures, [("a", "b")]) == ("a -> b: no two held-out samples have both",)


def test_without_held_out_samples_there_are_no_figures() -> None:
    assert evaluate(ENCODERS, []) == {}
