"""Which scalings are told: whole ones, once, and again when they moved."""

from collections.abc import Iterable

import numpy as np
import pytest

from encoders.scaling import Scaling
from streams.intake import scaling_news
from streams.intake.scaling_news import ScalingNews
from streams.labels import LABEL, LABEL_SCALING
from streams.records import NodeScaling, Sample

N_FIT = 4


def scaling(center: float = 0.0, scale: float = 1.0, n_windows: int = N_FIT) -> Scaling:
    return Scaling(
        center=np.array([center, 0.0], np.float32), scale=np.array([scale, 1.0], np.float32), n_windows=n_windows
    )


def sample(source_id: str = "a", **by_modality: Scaling) -> Sample:
    return Sample(sample_id="a@1", source_id=source_id, start_ns=0, windows={}, scaling=by_modality)


def told(news: Iterable[NodeScaling]) -> list[tuple[str, str, int]]:
    return [(one.source_id, one.modality, one.scaling.n_windows) for one in news]


def test_a_scaling_is_told_once_it_is_complete() -> None:
    news = ScalingNews(N_FIT)
    assert told(news.of([sample(gyroscope=scaling(n_windows=n)) for n in (1, 2, 3)])) == []
    assert told(news.of([sample(gyroscope=scaling(), gravity=scaling(n_windows=1))])) == [("a", "gyroscope", 4)]
    assert told(news.of([sample(gyroscope=scaling(n_windows=5)), sample("b", gyroscope=scaling())])) == [
        ("b", "gyroscope", 4)
    ]


@pytest.mark.parametrize(
    ("moved", "is_news"), [(scaling(0.09), False), (scaling(-0.11), True), (scaling(0, 1.11), True)]
)
def test_it_is_told_again_when_it_moved(moved: Scaling, is_news: bool) -> None:
    news = ScalingNews(N_FIT)
    news.of([sample(gyroscope=scaling())])
    assert bool(news.of([sample(gyroscope=moved)])) == is_news


def test_small_steps_add_up() -> None:
    news = ScalingNews(N_FIT)
    counts = [len(news.of([sample(gyroscope=scaling(0.03 * step))])) for step in range(9)]
    assert counts == [1, 0, 0, 0, 1, 0, 0, 0, 1]


def test_what_stays_the_same_is_told_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scaling_news, "AGAIN_AFTER", 3)
    news, same = ScalingNews(N_FIT), scaling()
    assert [len(news.of([sample(gyroscope=same)])) for _ in range(9)] == [1, 0, 0, 0, 1, 0, 0, 0, 1]


def test_of_several_in_a_batch_only_the_last_word_is_told() -> None:
    news = ScalingNews(N_FIT).of([sample(gyroscope=scaling(n, n_windows=4 + n)) for n in range(3)])
    assert told(news) == [("a", "gyroscope", 6)]


def test_labels_have_no_scaling_of_their_own() -> None:
    labelled = Sample(sample_id="a@1", source_id="a", start_ns=0, windows={}, scaling={LABEL: LABEL_SCALING})
    assert ScalingNews(1).of([labelled]) == []
