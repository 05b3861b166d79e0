"""What every process and arm works on is the same."""

import numpy as np
import torch

from benchmarks.speed.workload import SPEC, first_encoder, plain_index
from streams.settings import IndexSettings


def test_the_first_encoder_is_the_same_wherever_it_is_made() -> None:
    first = first_encoder(SPEC)
    torch.manual_seed(7)
    again = first_encoder(SPEC)
    assert all(torch.equal(one, other) for one, other in zip(first.parameters(), again.parameters(), strict=True))


def test_the_plain_index_finds_what_lies_nearest() -> None:
    rows = np.eye(8, dtype=np.float32)
    index = plain_index(8, IndexSettings(), dim=8)
    index.add_items(rows, num_threads=1)
    found, _ = index.knn_query(rows, k=1, num_threads=1)
    assert found.ravel().tolist() == list(range(8))
