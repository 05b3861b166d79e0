import msgspec
import numpy as np

from encoders.scaling import Scaling
from streams.records import Sample
from trainer.step.edges import EdgeBatch, ItemGraph, edges_of, item_graph

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


def ends_of(graph: ItemGraph) -> list[tuple[str, str, float]]:
    """Both ends of each edge as item and modality, and its weight, in order of modalities."""
    edges = edges_of(graph, SHARED)
    names = [
        f"{graph.items[item].sample_id}.{edges.modalities[modality]}"
        for item, modality in zip(edges.item, edges.modality, strict=True)
    ]
    found = []
    for query, key, weight in zip(edges.query, edges.key, edges.weights, strict=True):
        one, other = sorted((names[query], names[key]), key=lambda name: (name.partition(".")[2], name))
        found.append((one, other, float(weight)))
    return sorted(found)


def test_a_sample_that_comes_twice_is_one_item() -> None:
    graph = graph_of((A, B, 1.0), (A, C, 0.5), (B, None, 1.0))

    assert [item.sample_id for item in graph.items] == ["a", "b", "c"]
    assert graph.rows_of("x").tolist() == [0, 2]


def test_items_and_pseudo_pairs_are_related_both_ways() -> None:
    graph = graph_of((A, B, 1.0), (A, C, 0.5))

    assert graph.related.astype(int).tolist() == [[1, 1, 1], [1, 1, 0], [1, 0, 1]]


def test_natural_edges_weigh_one_and_pseudo_pairs_what_they_are_trusted() -> None:
    graph = graph_of((A, B, 0.25), (C, None, 1.0))

    assert ends_of(graph) == [
        ("a.shared", "a.x", 1.0),
        ("a.x", "b.y", 0.25),
        ("b.shared", "b.y", 1.0),
        ("c.x", "c.y", 1.0),
    ]
    assert edges_of(graph, SHARED).n_natural == 3


def test_a_pseudo_pair_joins_every_two_unlike_modalities_of_its_ends() -> None:
    ends = ends_of(graph_of((C, sample("d", "x", "y"), 0.5)))

    assert ends == [("c.x", "c.y", 1.0), ("c.x", "d.y", 0.5), ("d.x", "c.y", 0.5), ("d.x", "d.y", 1.0)]


def test_a_pseudo_pair_never_joins_the_shared_modality() -> None:
    both = [end for end in ends_of(graph_of((A, B, 1.0))) if end[0][0] != end[1][0]]

    assert both == [("a.x", "b.y", 1.0)]


def test_where_another_modality_binds_a_pair_the_shared_one_is_joined_like_any() -> None:
    lacking = msgspec.structs.replace(A, windows={k: v for k, v in A.windows.items() if k != SHARED})

    assert ends_of(graph_of((lacking, B, 0.5))) == [
        ("a.x", "b.y", 0.5),
        ("b.shared", "a.x", 0.5),
        ("b.shared", "b.y", 1.0),
    ]


def test_a_pair_without_weight_is_no_pair() -> None:
    graph = graph_of((A, B, 0.0))

    assert {end[2] for end in ends_of(graph)} == {1.0} and len(ends_of(graph)) == 2
    assert not graph.related[0, 1]


def test_rows_are_the_windows_of_modalities_that_have_an_edge() -> None:
    graph = graph_of((A, None, 1.0), (sample("d", "z"), None, 1.0), (B, None, 1.0))
    edges = edges_of(graph, SHARED)

    assert graph.modalities == (SHARED, "x", "y", "z") and edges.modalities == (SHARED, "x", "y")
    assert [(int(i), int(m)) for i, m in zip(edges.item, edges.modality, strict=True)] == [
        (0, 0),
        (2, 0),
        (0, 1),
        (2, 2),
    ]


def test_a_batch_in_which_nothing_belongs_together_has_no_edge() -> None:
    edges = edges_of(graph_of((sample("d", "x"), None, 1.0)), SHARED)

    assert (edges.modalities, len(edges.item), len(edges.weights), edges.n_natural) == ((), 0, 0, 0)
