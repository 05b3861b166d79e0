from collections import Counter

import numpy as np

from benchmarks.workers.sharing import MOST_AT_ONCE, interleaved, parts
from streams.messages.outbox import Outbox
from streams.records import Sample
from streams.settings import TopicSettings
from streams.testing import SyntheticWorld

SAMPLES = list(SyntheticWorld(12).samples(40))


def by_source(samples: list[Sample]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in samples:
        found.setdefault(one.source_id, []).append(one.sample_id)
    return found


def test_workers_write_all_samples_and_each_source_in_order_whatever_their_number() -> None:
    for n_workers in (1, 2, 8):
        written = interleaved(SAMPLES, n_workers, np.random.default_rng(0))
        assert by_source(written) == by_source(SAMPLES)
    assert interleaved(SAMPLES, 1, np.random.default_rng(0)) == SAMPLES
    assert interleaved(SAMPLES, 8, np.random.default_rng(0)) != SAMPLES


def test_a_worker_is_not_long_alone() -> None:
    written = interleaved(SAMPLES, 2, np.random.default_rng(0))
    assert len(written) // 4 > MOST_AT_ONCE
    quarters = [Counter(one.source_id for one in written[k : k + 120]) for k in range(0, 480, 120)]
    assert all(len(sources) == 12 for sources in quarters)


def test_parts_are_what_the_product_writes_into_its_partitions() -> None:
    outbox = Outbox(TopicSettings(sample_partitions=4))
    wanted = [0, 0, 0, 0]
    for message in outbox.samples(SAMPLES):
        assert message.partition is not None
        assert message.value is not None
        wanted[message.partition] += len(message.value)
    found = parts(SAMPLES, 4)
    assert sum(map(len, found)) == len(SAMPLES)
    for partition, part in enumerate(found):
        assert {one.partition for one in outbox.samples(part)} == {partition}
