"""How a table is asked: what holds of the answer whatever the windows are."""

import numpy as np
import pytest

from streams.history.modality_sets import ModalitySets
from streams.history.table import SampleTable, TableRow
from streams.precision.witnesses import describe_all
from streams.review.question import Found, Question
from streams.settings import BindingSettings
from streams.similarity.sinkhorn import used_too_often
from streams.testing import SyntheticWorld

WORLD = SyntheticWorld(n_sources=6, n_classes=3, noise=1.0)
SAMPLES = list(WORLD.samples(10))


def test_a_partner_goes_to_those_whom_it_suits_best() -> None:
    best = np.array([3, 3, 3, 1, 3, 1])
    scores = np.array([1.0, 4.0, 2.0, 0.0, 3.0, 5.0], np.float32)
    assert used_too_often(best, scores, 2).tolist() == [True, False, True, False, False, False]
    assert used_too_often(best, scores, 1).tolist() == [True, False, True, True, True, False]
    assert not used_too_often(best, scores, 4).any()


def answer(table: SampleTable, judged: bool = True, **changes: object) -> Found:
    sets = ModalitySets([WORLD.shared])
    codes = np.array([sets.code(row.modalities) for row in table.rows])
    question = Question(WORLD.specs, [WORLD.shared], BindingSettings.model_validate(changes), sets)
    return question.answer(table, codes, {}, judged)


def table() -> SampleTable:
    return SampleTable([TableRow.of(sample) for sample in SAMPLES])


def n_uses(found: Found) -> int:
    """Of whom most have as their best partner."""
    best = found.places[found.shares[:, 0] > 0, 0]
    return int(np.bincount(best).max())


@pytest.mark.parametrize("most", [1, 2])
def test_nobody_is_the_best_partner_of_more_than_is_set(most: int) -> None:
    found = answer(table(), most_uses=most)
    assert n_uses(found) == most < n_uses(answer(table(), most_uses=99))
    assert not found.shares[found.shares[:, 0] == 0].any(), "who lost the best has none"


def test_who_has_a_partner_that_brings_a_modality_does_not_lose_it_to_those_whom_it_suits_better() -> None:
    asked = table()
    for row in asked.rows:
        row.brings_new = True
    assert (answer(asked, most_uses=1).shares[:, 0] > 0).all()


def test_the_answer_is_the_same_once_windows_were_let_go_of() -> None:
    held, let_go = table(), table()
    describe_all(let_go, WORLD.specs)
    for row in let_go.rows:
        row.windows = None
    for wanted, found in zip(answer(held), answer(let_go), strict=True):
        np.testing.assert_array_equal(found, wanted)
