"""Many samples at once, of whatever modalities: each as it would be embedded alone."""

import numpy as np
import pytest

from encoders.scaling import fit_scaling
from streams.labels import LABEL
from streams.messages.codec import encode
from streams.models.embedder import Embedder
from streams.models.log import MemoryModelLog
from streams.models.node_scalings import NodeScalings
from streams.models.serving import NoModelYet, Serving, VersionInUse
from streams.records import NodeScaling, Sample
from tests.support.following import loaded
from tests.support.models import windows

RAW = {name: 3 * values + 7 for name, values in windows(3).items()}
OWN = {name: fit_scaling(values) for name, values in RAW.items()}
TOLD = fit_scaling(RAW["gyroscope"] * 2)


def embedder(*told: NodeScaling) -> Embedder:
    log = MemoryModelLog()
    for one in told:
        log.append(f"{one.source_id}/{one.modality}".encode(), encode(one))
    made = Embedder(NodeScalings(log.records), scaling_windows=32)
    made._serving = Serving(VersionInUse(loaded(1)))
    return made


def sample(source_id: str, row: int, *names: str, **others: np.ndarray) -> Sample:
    raw = {name: RAW[name][row] for name in names} | others
    scaling = {name: OWN.get(name, TOLD) for name in raw}
    return Sample(sample_id=f"{source_id}@{row}", source_id=source_id, start_ns=row, windows=raw, scaling=scaling)


def test_each_has_the_vector_that_it_has_alone_in_the_order_in_which_they_came() -> None:
    given = [sample("a", 0, "gravity"), sample("b", 1, "gravity", "gyroscope"), sample("c", 2, "gravity")]
    made = embedder()
    found = made.embed_samples(given)
    assert [(one.sample_id, one.source_id, one.start_ns) for one in found] == [
        ("a@0", "a", 0),
        ("b@1", "b", 1),
        ("c@2", "c", 2),
    ]
    assert [one.modalities for one in found] == [("gravity",), ("gravity", "gyroscope"), ("gravity",)]
    assert {one.model_version for one in found} == {1}
    for one, alone in zip(found, given, strict=True):
        np.testing.assert_array_equal(one.values, made.embed_sample(alone))


def test_what_has_no_encoder_in_its_shape_is_left_out_and_so_is_a_label() -> None:
    odd, one_hot = np.zeros((7, 3), np.float32), np.zeros((1, 64), np.float32)
    unknown = sample("a", 0, skeleton=RAW["gravity"][0])
    part = sample("b", 1, "gravity", gyroscope=odd, **{LABEL: one_hot})
    made = embedder()
    (found,) = made.embed_samples([unknown, part, sample("c", 2, gravity=odd)])
    assert (found.sample_id, found.modalities) == ("b@1", ("gravity",))
    np.testing.assert_array_equal(found.values, made.embed_sample(sample("b", 1, "gravity")))


def test_the_newest_that_the_stream_tells_of_a_node_scales_it_where_it_fits() -> None:
    told = NodeScaling(source_id="a", modality="gyroscope", scaling=TOLD)
    other_sensor = fit_scaling(np.ones((2, 4, 5), np.float32))
    misfit = NodeScaling(source_id="b", modality="gyroscope", scaling=other_sensor)
    made = embedder(told, misfit)
    known, unknown = made.embed_samples([sample("a", 0, "gyroscope"), sample("b", 0, "gyroscope")])
    np.testing.assert_array_equal(known.values, made.embed_raw("a", {"gyroscope": RAW["gyroscope"][0]}))
    np.testing.assert_array_equal(unknown.values, made.embed_sample(sample("b", 0, "gyroscope")))
    assert not np.array_equal(known.values, unknown.values)


def test_before_the_first_version_nothing_is_embedded() -> None:
    with pytest.raises(NoModelYet):
        Embedder(NodeScalings(MemoryModelLog().records), scaling_windows=32).embed_samples([sample("a", 0, "gravity")])
