"""Learners over one recorded stream, and what it means that two are the same."""

from collections.abc import Iterable, Mapping

import numpy as np

from streams.records import Binding, Sample
from tests.support.recorded import Recorded, recorded, small_settings
from trainer.learner import Learner
from trainer.state import LearnerState

RECORDED = recorded()


def learner_of(record: Recorded = RECORDED, **settings: object) -> Learner:
    """A new one; `settings` differ from the small ones."""
    return Learner(record.world.specs, record.world.shared, small_settings(**settings))


def go_through(
    learner: Learner, bindings: Iterable[Binding], samples: Mapping[str, Sample] = RECORDED.samples
) -> Learner:
    """The same after these Bindings and the cycles that were due."""
    for binding in bindings:
        learner.admit(binding, samples)
        if learner.cycle_due:
            learner.run_cycle()
    return learner


def restored(learner: Learner, samples: dict[str, Sample], state: LearnerState | None = None) -> Learner:
    """What goes on where another stopped."""
    return Learner(learner.specs, learner.shared, learner.settings, state=state or learner.snapshot(), samples=samples)


def assert_same(one: Learner, other: Learner) -> None:
    """In every bit, but for what each counted."""
    mine, yours = one.snapshot(), other.snapshot()
    assert mine.arrays.keys() == yours.arrays.keys()
    for name, value in mine.arrays.items():
        np.testing.assert_array_equal(value, yours.arrays[name], strict=True, err_msg=name)
    assert (mine.edges, mine.admitted) == (yours.edges, yours.admitted)
    uncounted = [{name: fact for name, fact in state.facts.items() if name != "counts"} for state in (mine, yours)]
    assert uncounted[0] == uncounted[1]
