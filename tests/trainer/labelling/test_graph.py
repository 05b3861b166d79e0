"""Edges along the latest pairs and to look-alikes."""

import numpy as np

from streams.records import Binding, Partner
from trainer.labelling.described import DescribedSample
from trainer.labelling.graph import N_KIN, kin_edges, latest, pair_edges


def sample(name: str, **rows: list[float]) -> DescribedSample:
    return DescribedSample(name, name, 0, 1, {key: np.array(row, np.float32) for key, row in rows.items()})


def binding(name: str, round_: int, **partners: float) -> Binding:
    found = tuple(Partner(sample_id=one, similarity=0.5, probability=p) for one, p in partners.items())
    return Binding(sample_id=name, round=round_, model_version=0, outcome="bound", partners=found)


def test_the_largest_round_holds_and_of_one_round_the_first() -> None:
    early, late, again = binding("a", 0, b=1.0), binding("a", 2, c=1.0), binding("a", 2, d=1.0)
    assert latest([early, late, again])["a"] is late
    assert latest([binding("a", 1, d=1.0)], {"a": late})["a"] is late


def test_an_edge_is_as_heavy_as_its_partner_is_probable_and_leads_to_samples_that_are_there() -> None:
    samples = [sample("a"), sample("b"), sample("c")]
    edges = pair_edges(samples, latest([binding("c", 0, a=0.75, gone=0.25), binding("gone", 0, a=1.0)]))
    assert [one.tolist() for one in edges] == [[2], [0], [0.75]]


def test_look_alikes_are_of_the_same_modalities_and_the_nearest_in_all_of_them() -> None:
    # On a circle, so that no two are at one place; every other one has another modality too.
    angles = 2 * np.pi * np.arange(40) / 40
    rows = [[float(np.cos(one)), float(np.sin(one))] for one in angles]
    samples = [
        sample(str(n), s=row) if n % 2 else sample(str(n), s=row, x=[float(n), 1.0]) for n, row in enumerate(rows)
    ]
    edges = kin_edges(samples)
    assert ((edges.left + edges.right) % 2 == 0).all(), "one kind and the other never"
    assert np.allclose(np.bincount(edges.left, edges.weight), 1.0)
    own = edges.right[edges.left == 1]
    # Four to either side, two apart each.
    assert sorted((own - 1) % 40) == [2, 4, 6, 8, 32, 34, 36, 38] and len(own) == N_KIN


def test_a_sample_without_a_second_of_its_kind_has_no_look_alikes() -> None:
    assert not len(kin_edges([sample("a", s=[1.0]), sample("b", x=[1.0]), sample("c")]).weight)
