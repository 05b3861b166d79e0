"""A learner of sensors that share nothing but labels."""

import numpy as np

from encoders.nets import load_encoders
from streams.labels import LABEL, LabelWindows
from tests.support.label_world import SMALL, bound, settings, windows
from trainer.candidate import bundle_of
from trainer.learner import Learner


def test_a_learner_teaches_sensors_that_share_nothing_but_labels() -> None:
    result = bound(windows(), settings())
    samples = {one.sample_id: one for one in result.samples}
    learner = Learner(settings().specs, LABEL, SMALL)
    for binding in result.bindings:
        learner.admit(binding, samples)
    losses = [loss for _ in range(15) for loss in learner.run_cycle().losses]
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5])
    assert set(learner.trained_modalities) == {"gravity", "gyroscope", LABEL}
    # Windows of a node that was never trained on are named by the nearest label.
    encoders = load_encoders(bundle_of(learner, version=1, parent=0, created_ns=0))
    names = encoders[LABEL](LabelWindows("exact").scaled(range(4)))
    held_out = [one for one in result.samples if one.held_out]
    rows = encoders["gyroscope"](np.stack([one.scaled("gyroscope") for one in held_out]))
    assert np.mean((rows @ names.T).argmax(1) == [one.label for one in held_out]) > 0.5
