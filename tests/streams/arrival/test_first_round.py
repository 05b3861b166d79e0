"""What a stream of samples makes of itself: who was used gives way, units follow, what came later counts."""

import msgspec
import numpy as np
import pytest

from encoders.modality import ModalitySpec
from encoders.scaling import Scaling
from streams.arrival.assignment import Candidates
from streams.arrival.generation import Generation, GenerationBuild
from streams.arrival.row_vectors import RowVectors
from streams.binder import Binder
from streams.history.store import SampleStore
from streams.records import Sample
from streams.settings import BindingSettings, IndexSettings
from streams.testing import SyntheticWorld

WORLD = SyntheticWorld(n_sources=6, n_classes=24, noise=0.5)
SPEC = WORLD.specs[WORLD.shared]
SETTINGS = IndexSettings(history_samples=512, segment_samples=128)
ALL_ALIKE = [
    msgspec.structs.replace(one, sample_id=f"{one.sample_id}/alike")
    for one in SyntheticWorld(n_sources=6, n_classes=1, noise=0.1).samples(80)
]


def store_of(samples: list[Sample], spec: ModalitySpec = SPEC) -> SampleStore:
    store = SampleStore(spec, WORLD.shared, SETTINGS)
    for one in samples:
        store.append([one])
    return store


def generation(spec: ModalitySpec = SPEC, lag_tolerant: bool = True) -> Generation:
    return Generation(0, RowVectors(spec), SETTINGS, neighbours=100, lag_tolerant=lag_tolerant)


def means_of(row: int, found: Candidates) -> np.ndarray:
    means: np.ndarray = found.means[found.rows == row]
    return means


def test_a_partner_that_was_used_often_gives_way_to_one_that_was_not() -> None:
    template = next(WORLD.samples(1))
    shared = {WORLD.shared: template.windows[WORLD.shared]}

    def twin(name: str, source: str, other: str) -> Sample:
        windows = {**shared, other: shared[WORLD.shared]}
        scaling = dict.fromkeys(windows, template.scaling[WORLD.shared])
        return msgspec.structs.replace(template, sample_id=name, source_id=source, windows=windows, scaling=scaling)

    used = [twin("used-1", "x-1", "gyroscope"), twin("used-2", "x-2", "gyroscope")]
    asking = [twin(f"asks-{number}", "y", "gravity") for number in range(63)]
    settings = BindingSettings(review_samples=0, hub_correction=0.0, use_cap=1.0, most_uses=100)
    binder = Binder(WORLD.settings(binding=settings))
    bindings = binder.observe([*used, *asking[:62], twin("unused", "x-3", "gyroscope"), asking[62]])
    shares = [{one.sample_id: one.probability for one in binding.partners} for binding in bindings]
    assert shares[-3] == pytest.approx({"used-1": 0.5, "used-2": 0.5})
    assert shares[-1]["unused"] > 5 * max(shares[-1]["used-1"], shares[-1]["used-2"])


def test_what_was_surprising_is_none_any_more_where_all_have_come_to_move_alike() -> None:
    samples = [*list(WORLD.samples(16)), *ALL_ALIKE]
    blocks = generation().follow(store_of(samples), len(samples))
    surprise = [float(found.scores[found.rows >= 0].mean()) for found in blocks]
    assert max(surprise[2:4]) > 2 * surprise[1]
    assert surprise[-1] < 0.7 * max(surprise[2:4])


def test_scores_in_units_that_were_guessed_do_not_stay() -> None:
    """All are alike from the start: to be as alike as all is nothing to stand out by, and no crowd either."""
    store, one = store_of(ALL_ALIKE[:65]), generation()
    guessed = one.follow(store, 64)[0]
    later = one.follow(store, 65)[0]
    assert np.nanmax(later.means) < 0.7 * guessed.scores.max()


def test_a_row_that_found_nobody_is_known_by_those_who_found_it() -> None:
    store, one = store_of(ALL_ALIKE[:65]), generation()
    assert np.isnan(one.follow(store, 64)[0].own_means[0])
    assert np.isfinite(means_of(0, one.follow(store, 65)[0])).all()


def test_rows_that_are_taken_over_know_younger_neighbours() -> None:
    store = store_of(ALL_ALIKE[:40])
    built = GenerationBuild(generation(), store, 40)
    built.run()
    store.append(ALL_ALIKE[40:41])
    assert np.isfinite(means_of(0, built.generation.follow(store, 41)[0])).all()


def test_a_generation_lets_go_of_what_the_history_lets_go_of() -> None:
    binder = Binder(WORLD.settings(binding=BindingSettings(review_samples=0), index=SETTINGS))
    binder.observe(list(WORLD.samples(120)))
    assert binder.generation.index.n_vectors == binder.store.n_samples < 720


def test_what_the_models_encoder_made_of_a_row_is_given_back() -> None:
    def encoder(windows: np.ndarray) -> np.ndarray:
        rows = windows.reshape(len(windows), -1)[:, :20] + np.float32(0.1)
        unit: np.ndarray = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit

    store = store_of(list(WORLD.samples(3)))
    one = Generation(1, RowVectors(SPEC, encoder), SETTINGS, neighbours=16)
    one.follow(store, 18)
    wanted = encoder(store.windows(4, 6).scaled)
    np.testing.assert_allclose(one.learned_vectors(np.array([4, 5])), wanted, atol=1e-5)
    assert np.isnan(one.learned_vectors(np.array([-1]))).all()


def test_a_motion_cut_later_is_found_in_noise_by_its_best_lag() -> None:
    rng = np.random.default_rng(0)
    walks = rng.normal(size=(60, 76, 3)).cumsum(axis=1)
    walks -= walks.mean(axis=1, keepdims=True)
    cuts = [walks[:, :64], walks[:, 12:]]
    spec = ModalitySpec(name=WORLD.shared, n_channels=3, n_steps=64, rate_hz=10.0)
    scaling = {spec.name: Scaling(center=np.zeros(3, np.float32), scale=np.ones(3, np.float32), n_windows=1)}
    samples = [
        Sample(
            sample_id=f"{source}@{number}",
            source_id=source,
            start_ns=number,
            windows={spec.name: (window + rng.normal(size=window.shape)).astype(np.float32)},
            scaling=scaling,
        )
        for source, windows in zip("ab", cuts, strict=True)
        for number, window in enumerate(windows)
    ]
    right = {}
    for lag_tolerant in (False, True):
        found = generation(spec, lag_tolerant).follow(store_of(samples, spec), len(samples))
        rows, scores = (np.concatenate([one[i] for one in found])[60:] for i in (0, 2))
        best = rows[np.arange(60), scores.argmax(axis=1)]
        right[lag_tolerant] = float((best == np.arange(60)).mean())
    assert right[True] > right[False] + 0.1
