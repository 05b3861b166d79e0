"""Bad messages of all kinds among good ones: all good ones come out, each bad one is one refusal with its place."""

import logging
from collections.abc import Callable

import numpy as np
import pytest

from streams.messages.codec import encode
from tests.support.poison import KINDS, bad, poisoned
from tests.support.poison_run import WORLD, Books, through_binding, through_ingest, through_trainer

N_BAD = 700


@pytest.mark.parametrize("through", [through_ingest, through_binding, through_trainer])
def test_no_good_one_is_lost_and_each_bad_one_is_refused_once(
    through: Callable[[int], Books], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "trainer")
    books = through(N_BAD)
    assert books.wrong == {}
    assert books.n_bad == N_BAD
    assert books.got == books.sent
    assert books.sent


def test_there_are_many_kinds_and_each_is_tried() -> None:
    good = [encode(one) for one in WORLD.windows(2)]
    kinds = {one.kind for one in poisoned(good, 200, seed=1)} - {""}
    assert len(kinds) >= 25
    assert kinds == {name for name in KINDS if bad(name, good[0], np.random.default_rng(0)) is not None}


def test_the_good_ones_keep_their_order_and_a_seed_gives_the_same_again() -> None:
    good = [encode(one) for one in WORLD.windows(3)]
    sent = list(poisoned(good, 50, seed=1))
    assert [one.value for one in sent if not one.kind] == good
    assert sent == list(poisoned(good, 50, seed=1)) != list(poisoned(good, 50, seed=2))
