import msgspec
import numpy as np

from encoders.scaling import Scaling
from streams.records import Sample
from trainer.step.edges import EdgeBatch, Edges, ItemGraph, edges_between, item_graph, modality_pairs

UNSCALED = Scaling(center=np.zeros(1, np.float32), scale=np.ones(1, np.float32), n_windows=1)
SHARED = "shared"


def sample(name: str, *modalities: str) -> Sample:
    return Sample(
        sample_id=name,
        source_id=name,
        start_ns=0,
        windows=dict.fromkeys(modalities, np.zeros((1, 1), np.float32)),
        scaling=dict.fromkeys(modalities, UNSCALED),
    )


A, B, C = sample("a", SHARED, "x"), sample("b", SHARED, "y"), sample("c", "x", "y")


def graph_of(*pairs: tuple[Sample, Sample | None, float]) -> ItemGraph:
    weights = np.array([pair[2] for pair in pairs], np.float32)
    return item_graph(EdgeBatch([pair[0] for pair in pairs], [pair[1] for pair in pairs], weights))


def ends_of(edges: Edges) -> list[tuple[int, int, float]]:
    return [(int(q), int(k), float(w)) for q, k, w in zip(edges.query, edges.key, edges.weights, strict=True)]


def test_a_sample_that_comes_twice_is_one_item() -> None:
    graph = graph_of((A, B, 1.0), (A, C, 0.5), (B, None, 1.0))

    assert [item.sample_id for item in graph.items] == ["a", "b", "c"]
    assert graph.rows_of("x").tolist() == [0, 2]


def test_items_and_pseudo_pairs_are_related_both_ways() -> None:
    graph = graph_of((A, B, 1.0), (A, C, 0.5))

    assert graph.related.astype(int).tolist() == [[1, 1, 1], [1, 1, 0], [1, 0, 1]]


def test_natural_edges_weigh_one_and_pseudo_pairs_what_they_are_trusted() -> None:
    edges = edges_between(graph_of((A, B, 0.25), (C, None, 1.0)), "x", "y", SHARED)

    assert ends_of(edges) == [(1, 1, 1.0), (0, 2, 0.25)]
    assert edges.n_natural == 1


def test_a_pseudo_pair_joins_every_two_unlike_modalities_of_its_ends() -> None:
    edges = edges_between(graph_of((C, sample("d", "x", "y"), 0.5)), "x", "y", SHARED)

    assert ends_of(edges) == [(0, 0, 1.0), (1, 1, 1.0), (0, 1, 0.5), (1, 0, 0.5)]


def test_a_pseudo_pair_never_joins_the_shared_modality() -> None:
    edges = edges_between(graph_of((A, B, 1.0)), SHARED, "x", SHARED)

    assert ends_of(edges) == [(0, 0, 1.0)]


def test_where_another_modality_binds_a_pair_the_shared_one_is_joined_like_any() -> None:
    lacking = msgspec.structs.replace(A, windows={k: v for k, v in A.windows.items() if k != SHARED})
    edges = edges_between(graph_of((lacking, B, 0.5)), SHARED, "x", SHARED)

    assert ends_of(edges) == [(1, 0, 0.5)]


def test_a_pair_without_weight_is_no_pair() -> None:
    graph = graph_of((A, B, 0.0))

    assert ends_of(edges_between(graph, "x", "y", SHARED)) == []
    assert not graph.related[0, 1]


def test_every_two_modalities_of_the_batch_come_once() -> None:
    assert modality_pairs(graph_of((A, B, 1.0))) == [(SHARED, "x"), (SHARED, "y"), ("x", "y")]
