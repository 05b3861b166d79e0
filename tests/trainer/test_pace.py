"""How many steps new samples get, by what waits."""

import pytest

from trainer.pace import ADMITTED_PER_S, LEAST_SHARE, Pace, Pacing
from trainer.settings import TrainerSettings

SETTINGS = TrainerSettings(backlog_bindings=1000, steps_per_cycle=100)


def pacing(step_s: float = 0.06, binding_s: float = 0.0002, new_share: float = 1.0, **changes: object) -> Pacing:
    """One that has seen steps and Bindings of this cost, and of these a share that brought a sample."""
    made = Pacing(SETTINGS.model_copy(update=changes))
    for _ in range(50):
        made.note_step(step_s)
        made.note_bindings(1000, round(1000 * new_share), 1000 * binding_s)
    return made


def per_s(pace: Pace, step_s: float, binding_s: float, new_share: float = 1.0) -> float:
    """Bindings admitted in a second, steps included."""
    n_bindings = pace.n_new / new_share
    return n_bindings / (pace.n_steps * step_s + n_bindings * binding_s)


def chosen(n_waiting: int, **costs: float) -> Pace:
    pace = pacing(**costs).choose(n_waiting)
    assert pace is not None
    return pace


def test_is_the_usual_one_while_little_waits_and_before_anything_was_measured() -> None:
    assert pacing().choose(999) is None
    assert Pacing(SETTINGS).choose(100_000) is None


@pytest.mark.parametrize("n_waiting", [1000, 5000, 100_000, 10_000_000])
@pytest.mark.parametrize(("step_s", "binding_s"), [(0.06, 0.0002), (0.4, 0.0001), (0.005, 0.0003)])
def test_whatever_waits_and_whatever_steps_cost_bindings_are_admitted_fast_enough(
    n_waiting: int, step_s: float, binding_s: float
) -> None:
    pace = chosen(n_waiting, step_s=step_s, binding_s=binding_s)
    assert per_s(pace, step_s, binding_s) > 0.95 * ADMITTED_PER_S


def test_steps_become_fewer_the_more_waits() -> None:
    paces = [chosen(n_waiting) for n_waiting in (1000, 10_000, 20_000, 40_000)]
    per_step = [pace.n_new / pace.n_steps for pace in paces]
    assert per_step[0] == per_step[1] < per_step[2] < per_step[3]


def test_training_goes_on_where_admission_alone_is_too_slow() -> None:
    pace = chosen(1_000_000, binding_s=0.001)
    steps_s, bindings_s = pace.n_steps * 0.06, pace.n_new * 0.001
    assert steps_s / (steps_s + bindings_s) == pytest.approx(LEAST_SHARE, rel=0.02)


def test_later_rounds_take_time_too_and_bring_no_sample() -> None:
    pace = chosen(10_000, new_share=0.2)
    assert pace.n_new == pytest.approx(chosen(10_000).n_new / 5, abs=1)


def test_a_pace_ends_before_the_backlog_does_and_before_books_are_full() -> None:
    for n_waiting in (1000, 3000, 10_000):
        pace = chosen(n_waiting)
        assert pace.n_cycles * pace.n_new <= n_waiting / 2
    full = pacing(remembered_bindings=2000).choose(1_000_000)
    assert full is not None and full.n_cycles * full.n_new <= 1500
    assert chosen(10**9).n_cycles <= SETTINGS.steps_per_cycle
