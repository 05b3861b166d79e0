import numpy as np
import pytest

from streams.labels import LABEL, LABEL_SCALING, LabelWindows
from streams.similarity.lag import lag_similarity
from streams.similarity.standard_units import HUB_NEIGHBOURS, hub_corrected
from trainer.settings import SofteningSettings
from trainer.step.softening import Softening, softening_of


def windows_of(n_rows: int, n_steps: int = 60, n_channels: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n_rows, n_steps, n_channels)).astype(np.float32)


def test_is_the_best_cosine_over_lags_written_out() -> None:
    windows = windows_of(5, n_steps=32)

    found = lag_similarity(windows)

    for i in range(5):
        for j in range(5):
            products = [
                sum(float(windows[i, t] @ windows[j, t + lag]) for t in range(32) if 0 <= t + lag < 32)
                for lag in range(-6, 7)
            ]
            norms = np.linalg.norm(windows[i]) * np.linalg.norm(windows[j])
            assert found[i, j] == pytest.approx(max(products) / norms, abs=1e-5)


def test_a_shifted_window_stays_alike() -> None:
    phases = np.arange(320) / 100 * 2 * np.pi
    movement = np.stack([np.sin(phases), np.cos(2 * phases)], 1)[None].astype(np.float32)
    early, late = movement[:, 20:270], movement[:, 45:295]

    assert np.sum(early * late) / (np.linalg.norm(early) * np.linalg.norm(late)) < 0.1
    assert lag_similarity(np.concatenate([early, late]))[0, 1] > 0.85


@pytest.mark.parametrize("size", [(250, 3), (120, 60), (5, 192), (1, 1), (1000, 2)])
def test_holds_for_windows_of_any_size(size: tuple[int, int]) -> None:
    found = lag_similarity(windows_of(6, *size))

    assert np.array_equal(found, found.T)
    assert np.diagonal(found) == pytest.approx(np.ones(6), abs=1e-5)
    assert np.abs(found).max() <= 1 + 1e-5


def test_a_window_of_zeros_is_like_nothing() -> None:
    windows = windows_of(3)
    windows[0] = 0

    assert lag_similarity(windows)[0].tolist() == [0, 0, 0]


def test_the_hub_correction_is_its_formula() -> None:
    similarities = lag_similarity(windows_of(20))

    found = 2 * hub_corrected(similarities)

    means = [np.mean(sorted(np.delete(similarities[i], i))[-HUB_NEIGHBOURS:]) for i in range(20)]
    assert found[3, 7] == pytest.approx(2 * similarities[3, 7] - means[3] - means[7], abs=1e-5)


def test_the_upper_share_of_a_batch_is_softened() -> None:
    softening = Softening(SofteningSettings(quantile=0.9, width=0.001))

    weights = np.exp(softening.log_weights(30, np.arange(30), windows_of(30)))

    softened = weights[~np.eye(30, dtype=bool)] < 0.5
    assert softened.mean() == pytest.approx(0.1, abs=0.01)


def test_nothing_is_softened_where_nothing_is_known() -> None:
    softening = Softening(SofteningSettings())
    rows = np.array([0, 2, 3, 5])

    weights = softening.log_weights(6, rows, windows_of(4))

    assert not weights[[1, 4]].any() and not weights[:, [1, 4]].any()
    assert weights[np.ix_(rows, rows)].all()


def test_without_shared_windows_all_negatives_count() -> None:
    assert not Softening(SofteningSettings()).log_weights(4, np.array([], int), None).any()


def test_can_be_switched_off() -> None:
    softening = Softening(SofteningSettings(enabled=False))

    assert not softening.log_weights(6, np.arange(6), windows_of(6)).any()
    assert softening.quantile is None


def test_the_quantile_runs_and_goes_on_where_it_was() -> None:
    settings = SofteningSettings(memory=0.75)
    first, second = Softening(settings), Softening(settings)
    for softening, seed in ((first, 1), (second, 2)):
        softening.log_weights(12, np.arange(12), windows_of(12, seed=seed))
    seen = [first.quantile or 0, second.quantile or 0]

    resumed = Softening(settings, first.quantile)
    resumed.log_weights(12, np.arange(12), windows_of(12, seed=2))

    assert resumed.quantile == pytest.approx(0.75 * seen[0] + 0.25 * seen[1])


def test_negatives_of_the_same_label_are_none_and_related_ones_are_less() -> None:
    made = LabelWindows("text")
    texts = ("walking upstairs", "walking upstairs", "walking downstairs", "clap")
    rows = np.stack([LABEL_SCALING.apply(made(text, f"a@{i}")) for i, text in enumerate(texts)])
    softening = softening_of(LABEL, SofteningSettings())
    shares = np.exp(softening.log_weights(5, np.arange(4), rows))
    assert shares[0, 1] < 1e-5
    assert 0.1 < shares[0, 2] < 0.6
    assert shares[0, 3] > 0.7
    assert (shares[4] == 1).all()
    plain = softening_of(LABEL, SofteningSettings(enabled=False))
    assert not plain.log_weights(4, np.arange(4), rows).any()
