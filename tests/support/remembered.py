"""A history that later rounds may ask, filled by hand: samples without motion, and what arrival found for them."""

from collections.abc import Sequence

import numpy as np

from encoders.scaling import Scaling
from streams.arrival.first_round import FirstAnswer
from streams.records import Partner, Sample
from streams.review.remembered import NS_PER_H, Remembered
from streams.settings import BindingSettings, IndexSettings

SHARED = "shared"
WINDOW = np.zeros((4, 1), np.float32)
SCALING = Scaling(center=np.zeros(1, np.float32), scale=np.ones(1, np.float32), n_windows=1)


def sample(number: int, *others: str, hours: int = 0) -> Sample:
    windows = dict.fromkeys((SHARED, *others), WINDOW)
    scaling = dict.fromkeys(windows, SCALING)
    return Sample(sample_id=f"s-{number}", source_id="a", start_ns=hours * NS_PER_H, windows=windows, scaling=scaling)


def arrived(row: int, candidates: Sequence[int] = (), scores: Sequence[float] = ()) -> FirstAnswer:
    """The first of the candidates is its partner."""
    partners = tuple(Partner(sample_id=f"s-{one}", similarity=1.0, probability=1.0) for one in candidates[:1])
    own = np.array(candidates, np.int64), np.array(scores, np.float32)
    return FirstAnswer(partners, row, candidates[0] if candidates else -1, *own)


def remembered(review_samples: int = 20, held_windows: int = 0, history: int = 200, neighbours: int = 4) -> Remembered:
    settings = BindingSettings(review_samples=review_samples, held_windows=held_windows, neighbours=neighbours)
    return Remembered([SHARED], settings, IndexSettings(history_samples=history))
