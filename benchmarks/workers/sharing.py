"""How a stream of samples reaches its binders when several workers are at work. Performs no I/O."""

from collections.abc import Sequence

import numpy as np

from streams.messages.outbox import partition_of
from streams.records import Sample

# Samples that a worker writes at once, at most; the other workers' come between.
MOST_AT_ONCE = 32


def interleaved(samples: Sequence[Sample], n_workers: int, rng: np.random.Generator) -> list[Sample]:
    """The samples as `n_workers` write them that have the sources between them, each as fast as it likes."""
    queues: list[list[Sample]] = [[] for _ in range(n_workers)]
    for one in samples:
        queues[partition_of(one.source_id.encode(), n_workers)].append(one)
    written: list[Sample] = []
    while left := [queue for queue in queues if queue]:
        share = np.array([len(queue) for queue in left], float)
        queue = left[rng.choice(len(left), p=share / share.sum())]
        n_now = int(rng.integers(1, MOST_AT_ONCE + 1)) if n_workers > 1 else len(queue)
        written += queue[:n_now]
        del queue[:n_now]
    return written


def parts(samples: Sequence[Sample], n_partitions: int) -> list[list[Sample]]:
    """What lies in each partition of the topic `samples`, in order; one worker binds each of them."""
    found: list[list[Sample]] = [[] for _ in range(n_partitions)]
    for one in samples:
        found[partition_of(one.sample_id.encode(), n_partitions)].append(one)
    return found
