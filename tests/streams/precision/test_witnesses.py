import msgspec
import numpy as np
import pytest

from encoders.scaling import Scaling
from streams.history.table import SampleTable, TableRow
from streams.precision.witnesses import MAX_WITNESSES, farness, known_pairs, tells_moments_apart, witnesses_of
from streams.records import Sample
from streams.similarity.descriptor import MIN_SPECTRUM_STEPS
from streams.testing import SyntheticWorld

WORLD = SyntheticWorld(n_sources=4, n_classes=4)
SAMPLES = list(WORLD.samples(30))


def table(samples: list[Sample]) -> SampleTable:
    return SampleTable([TableRow.of(sample) for sample in samples])


def test_a_witness_knows_pairs_in_which_both_have_its_modality() -> None:
    one = table(SAMPLES)
    found = witnesses_of(one, WORLD.specs, [WORLD.shared])
    assert len(found) == len(WORLD.specs) - 1
    having = {name: set(one.having(name).tolist()) for name in WORLD.specs}
    for witness in found:
        knows = {place for place, row in enumerate(witness.likeness) if not np.isnan(row).all()}
        assert knows in [having[name] for name in WORLD.specs if name != WORLD.shared]
        expected = np.isin(np.arange(len(SAMPLES)), list(knows))
        np.testing.assert_array_equal(~np.isnan(witness.likeness), expected[:, None] & expected[None, :])
        np.testing.assert_array_equal(np.isnan(witness.rotation_tolerant_cosines), np.isnan(witness.likeness))


def test_what_binds_is_no_witness() -> None:
    assert witnesses_of(table(SAMPLES), WORLD.specs, list(WORLD.specs)) == []


def test_a_modality_that_one_source_has_alone_is_no_witness() -> None:
    alone = [one for one in SAMPLES if one.source_id == SAMPLES[0].source_id]
    assert witnesses_of(table(alone), WORLD.specs, [WORLD.shared]) == []


def with_windows(samples: list[Sample], name: str, values: np.ndarray) -> list[Sample]:
    return [
        msgspec.structs.replace(one, windows={**one.windows, name: each.astype(np.float32)})
        for one, each in zip(samples, values, strict=True)
    ]


def test_a_witness_that_does_not_tell_a_sources_own_moments_apart_is_not_heard() -> None:
    """Noise of its own colour for each source tells who wears the sensor, and nothing else."""
    samples, name = list(WORLD.samples(60)), WORLD.shared
    spec, rng = WORLD.specs[name], np.random.default_rng(0)
    white = rng.normal(size=(len(samples), spec.n_steps, spec.n_channels))
    smooth = np.cumsum(white, axis=1)
    of_odd = np.array([int(one.source_id[-1]) % 2 for one in samples], bool)
    noise = with_windows(samples, name, np.where(of_odd[:, None, None], smooth, white))
    for some, is_heard in ((samples, True), (noise, False), (noise[:40], True)):
        one = table(some)
        assert tells_moments_apart(one, spec, one.having(name)) == is_heard
        others = [other for other in WORLD.specs if other != name]
        assert len(witnesses_of(one, WORLD.specs, others)) == is_heard


@pytest.mark.parametrize("n_steps", [1, 2 * MIN_SPECTRUM_STEPS - 1])
def test_windows_too_short_to_be_halved_are_believed(n_steps: int) -> None:
    spec = msgspec.structs.replace(WORLD.specs[WORLD.shared], n_steps=n_steps)
    rng = np.random.default_rng(0)
    noise = with_windows(SAMPLES, WORLD.shared, rng.normal(size=(len(SAMPLES), spec.n_steps, spec.n_channels)))
    one = table(noise)
    assert tells_moments_apart(one, spec, one.having(WORLD.shared))


def moved_elsewhere(sample: Sample) -> Sample:
    """The same seen by sensors that stand elsewhere and have another gain, each source's its own."""
    source = int(sample.source_id.removeprefix("node-"))
    gain, zero = 2.0**source, 10.0 * source
    return msgspec.structs.replace(
        sample,
        windows={name: (values * gain + zero).astype(np.float32) for name, values in sample.windows.items()},
        scaling={
            name: Scaling(center=one.center * gain + zero, scale=one.scale * gain, n_windows=one.n_windows)
            for name, one in sample.scaling.items()
        },
    )


def test_windows_of_few_steps_are_compared_in_the_robust_units_of_their_source() -> None:
    specs = tuple(msgspec.structs.replace(spec, n_steps=MIN_SPECTRUM_STEPS - 1) for spec in WORLD.specs.values())
    short = SyntheticWorld(n_sources=4, n_classes=4, specs=specs)
    samples = list(short.samples(30))
    heard, elsewhere = (
        witnesses_of(table(some), short.specs, [short.shared])
        for some in (samples, list(map(moved_elsewhere, samples)))
    )
    assert len(heard) == len(elsewhere) == len(specs) - 1
    for one, other in zip(heard, elsewhere, strict=True):
        assert not np.isnan(one.likeness).all()
        np.testing.assert_allclose(other, one, atol=1e-3)


def test_a_rotated_sensor_says_the_same_where_that_is_tolerated() -> None:
    rotation = np.linalg.qr(np.random.default_rng(0).standard_normal((3, 3)))[0].astype(np.float32)
    rotation *= np.sign(np.linalg.det(rotation))
    rotated = [
        msgspec.structs.replace(
            one, windows={name: v @ rotation if v.shape[1] == 3 else v for name, v in one.windows.items()}
        )
        for one in SAMPLES
    ]
    before, after = (witnesses_of(table(samples), WORLD.specs, [WORLD.shared]) for samples in (SAMPLES, rotated))
    for one, other in zip(before, after, strict=True):
        cosines = one.rotation_tolerant_cosines
        close = np.isclose(cosines, other.rotation_tolerant_cosines, atol=1e-3) | np.isnan(cosines)
        assert close.mean() > 0.95


def test_only_the_most_frequent_modalities_are_heard() -> None:
    spec = WORLD.specs[WORLD.shared]
    names = [spec.name, *(f"other-{i}" for i in range(6))]
    specs = {name: type(spec)(name=name, n_channels=2, n_steps=20, rate_hz=10.0) for name in names}
    world = SyntheticWorld(n_sources=4, n_classes=4, specs=tuple(specs.values()), n_complete=4)
    assert len(witnesses_of(table(list(world.samples(10))), world.specs, [world.shared])) == MAX_WITNESSES


def test_farness_is_the_share_of_the_partners_source_that_is_nearer() -> None:
    sources = np.repeat([0, 1, 2], 30)
    view = np.zeros((90, 90), np.float32)
    view[0, 30:60] = np.arange(30)
    view[0, 60:] = 100
    far = farness(view, sources, np.array([0, 0]), np.array([59, 44]))
    np.testing.assert_allclose(far.nearer, [0, 15 / 30])
    np.testing.assert_array_equal(far.agree(0.1), [True, False])
    assert far.chance(0.1) == 0.1


def test_where_a_source_has_few_samples_all_other_sources_are_compared() -> None:
    sources = np.array([0, 1, 1, *[2] * 40])
    view = np.zeros((43, 43), np.float32)
    view[0, 1], view[0, 3:13] = 1, 2
    far = farness(view, sources, np.array([0]), np.array([1]))
    assert far.among[0] == 42
    assert far.nearer[0] == 10 / 42


def test_farness_is_unknown_where_the_pair_is_or_too_few_are() -> None:
    sources = np.repeat([0, 1], 30)
    view = np.ones((60, 60), np.float32)
    view[0, 30] = np.nan
    assert np.isnan(farness(view, sources, np.array([0]), np.array([30])).nearer[0])
    view[1, 40:] = np.nan
    assert np.isnan(farness(view, sources, np.array([1]), np.array([30])).nearer[0])
    assert np.isnan(farness(view, sources, np.array([2]), np.array([2])).nearer[0]), "nothing is its own partner"


def test_known_pairs_are_of_different_sources() -> None:
    view = np.array([[1, 1, np.nan], [1, 1, np.nan], [np.nan, np.nan, 1]])
    known = known_pairs([view], np.array([0, 1, 1]))
    np.testing.assert_array_equal(known, [[False, True, False], [True, False, False], [False, False, False]])
