from collections.abc import Iterable

import msgspec
import numpy as np

from streams.history.store import SampleStore
from streams.records import Sample
from streams.settings import IndexSettings
from streams.testing import SyntheticWorld

WORLD = SyntheticWorld(n_sources=4)
SAMPLES = list(WORLD.samples(100))
SETTINGS = IndexSettings(history_samples=128, segment_samples=64)
SCALING = SAMPLES[0].scaling[WORLD.shared]


def filled(samples: Iterable[Sample], settings: IndexSettings = SETTINGS) -> SampleStore:
    store = SampleStore(WORLD.specs[WORLD.shared], WORLD.shared, settings)
    append(store, list(samples))
    return store


def append(store: SampleStore, samples: list[Sample]) -> None:
    while samples:
        piece, samples = samples[: store.room], samples[store.room :]
        store.append(piece)


def test_gives_back_windows_scaling_and_ids_by_row() -> None:
    store = filled(SAMPLES[:70])
    windows = store.windows(64, 70)
    assert store.ids([64, 69]) == [SAMPLES[64].sample_id, SAMPLES[69].sample_id]
    for place, sample in enumerate(SAMPLES[64:70]):
        assert np.array_equal(windows.raw[place], sample.windows[WORLD.shared])
        assert np.array_equal(windows.scaled[place], sample.scaled(WORLD.shared))
    assert len(set(windows.sources.tolist())) == 4


def test_drops_the_oldest_segment_whole_when_the_history_is_full() -> None:
    store = filled(SAMPLES[:256])
    assert store.first_row == 64
    store.append(SAMPLES[256:257])
    assert store.first_row == 128
    assert SAMPLES[127].sample_id not in store
    assert SAMPLES[128].sample_id in store
    assert store.floors == [(192, 64), (256, 128)]


def test_drops_what_is_older_than_the_hours() -> None:
    hop_s = WORLD.hop_ns / 1e9
    # 16 slots fill a segment: after three the first one's median is 32 slots before the newest, the second's 16.
    store = filled(
        SAMPLES[:192], IndexSettings(history_samples=400, segment_samples=64, history_hours=hop_s * 20 / 3600)
    )
    store.append(SAMPLES[192:193])
    assert store.first_row == 64


def test_one_fast_clock_does_not_empty_the_history() -> None:
    fast = [
        msgspec.structs.replace(one, start_ns=one.start_ns + 10**15) if one.source_id == "node-00" else one
        for one in SAMPLES[:193]
    ]
    assert filled(fast).first_row == filled(SAMPLES[:193]).first_row


def test_counts_use_and_starts_at_zero_again_where_the_ring_does() -> None:
    store = filled(SAMPLES[:128])
    store.count_use(np.array([3, 100, 3]), np.array([0.5, 1.0, 0.25], np.float32))
    assert store.use(np.array([[3, 100, 4]])).tolist() == [[0.75, 1.0, 0.0]]
    append(store, SAMPLES[128:400])
    assert not store.use(np.arange(272, 400)).any()


def test_who_has_another_modality_besides_the_shared_one_brings_a_new_pair() -> None:
    def having(number: int, *names: str) -> Sample:
        windows = dict.fromkeys((WORLD.shared, *names), SAMPLES[0].windows[WORLD.shared])
        return msgspec.structs.replace(SAMPLES[number], windows=windows, scaling=dict.fromkeys(windows, SCALING))

    store = filled([having(0, "x"), having(1, "x"), having(2, "y"), having(3, "x", "y"), having(4)])
    fresh = store.fresh(0, np.tile(np.arange(5), (5, 1)))
    assert fresh.tolist() == [
        [False, False, True, True, False],
        [False, False, True, True, False],
        [True, True, False, True, False],
        [True, True, True, True, False],
        [False, False, False, False, False],
    ]


def test_sources_without_a_sample_are_forgotten_and_the_others_keep_their_code() -> None:
    store = filled([])
    steady = []
    for number in range(3000):
        source = "steady" if number % 50 == 0 else f"once-{number}"
        append(store, [msgspec.structs.replace(SAMPLES[0], sample_id=f"{source}@{number}", source_id=source)])
        if source == "steady":
            steady.append(int(store.windows(number, number + 1).sources[0]))
    assert set(steady) == {0}
    assert len(store._codes) <= store.n_samples < 300
    held = np.concatenate([store.windows(row, row + 1).sources for row in range(store.first_row, store.n_rows)])
    assert len(set(held.tolist()) - {0}) == np.sum(held != 0)
