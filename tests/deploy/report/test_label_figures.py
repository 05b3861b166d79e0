"""A few labels on one kind of nodes, judged on the other kind."""

import msgspec

from deploy.report.label_figures import judge_labels
from streams.binder import Binder
from streams.labels import LABEL
from streams.testing import SyntheticWorld

WORLD = SyntheticWorld(n_sources=8, n_classes=4, held_out=2, n_complete=2, noise=1.0)


def test_the_kind_without_labels_is_told_along_pairs() -> None:
    samples, binder = list(WORLD.samples(30)), Binder(WORLD.settings())
    bindings = [*binder.observe(samples), *binder.review()]
    found = judge_labels(bindings, samples, WORLD.specs, WORLD.shared)
    assert found is not None
    # The two nodes that have all sensors are held out.
    assert {found.labelled, found.told} == {"gravity", "gyroscope"}
    assert (found.n_labels, found.n_told) == (5 * 4, 3 * 30)
    assert found.right > 0.85 and found.not_known == 0
    assert 0 < found.classifier_right <= 1

    without = judge_labels([], samples, WORLD.specs, WORLD.shared)
    assert without is not None and without.not_known == 1 and without.right == 0
    assert without.classifier_right == found.classifier_right


def test_where_there_are_no_two_kinds_of_nodes_nothing_is_said() -> None:
    samples = list(WORLD.samples(3))
    one_kind = [one for one in samples if "gravity" not in one.windows]
    assert judge_labels([], one_kind, WORLD.specs, WORLD.shared) is None
    unlabelled = [msgspec.structs.replace(one, label=None) for one in samples]
    assert judge_labels([], unlabelled, WORLD.specs, WORLD.shared) is None
    assert judge_labels([], samples, WORLD.specs, LABEL) is None
