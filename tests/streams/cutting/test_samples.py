"""Times and values as users have them."""

import numpy as np
import pytest

from encoders.modality import ModalitySpec
from streams.cutting.samples import samples_of, times_ns

SPEC = ModalitySpec(name="gyroscope", n_channels=3, n_steps=50, rate_hz=50, channels=("x", "y", "z"))
ONE = ModalitySpec(name="pulse", n_channels=1, n_steps=50, rate_hz=50)
T0 = 1_700_000_000_000_000_000


def test_one_sample_and_many() -> None:
    for t, values in ((T0, [1, 2, 3]), ([T0], [[1, 2, 3]]), (np.datetime64(T0, "ns"), (1, 2, 3))):
        times, rows = samples_of(SPEC, t, values)
        assert times.tolist() == [T0] and rows.tolist() == [[1, 2, 3]]
    assert samples_of(SPEC, [T0, T0 + 5], np.ones((2, 3)))[0].tolist() == [T0, T0 + 5]
    assert samples_of(SPEC, [], np.ones((0, 3)))[0].dtype == np.int64


def test_one_channel_needs_no_axis() -> None:
    assert samples_of(ONE, T0, 7)[1].tolist() == [[7]]
    assert samples_of(ONE, [T0, T0 + 1], [7, 8])[1].tolist() == [[7], [8]]


def test_samples_follow_the_first_at_the_rate() -> None:
    assert (samples_of(ONE, T0, [1, 2, 3])[0] - T0).tolist() == [0, 20_000_000, 40_000_000]


@pytest.mark.parametrize(
    ("t", "said"),
    [
        (
            1_700_000_000.5,
            r"t is .*1700000000\.5.*, wanted whole ns since 1970, .*; is this in s\?",
        ),
        (1_700_000_000, r"t is 1700000000, wanted .*, and of the years 2000 to 2261; is this in s\?"),
        (1_700_000_000_000, r"is this in ms\?"),
        (1_700_000_000_000_000, r"is this in us\?"),
        ([T0, 17], r"t is 17, .*2261$"),
        (2**64 - 1, r"t is 18446744073709551615, "),
        ("2026-01-01", r"t is .*2026-01-01.*, wanted whole ns since 1970, such as time\.time_ns\(\)$"),
        (np.datetime64("NaT"), r"t is -9223372036854775808"),
    ],
)
def test_a_time_that_is_not_in_ns_is_told_so(t: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        times_ns(t)


@pytest.mark.parametrize("values", [[1, 2], [[1], [2], [3]], np.zeros((1, 1, 3)), 1.0])
def test_wrong_channels_are_told_with_those_that_are_wanted(values: object) -> None:
    with pytest.raises(
        ValueError, match=r"gyroscope: values have shape .*, wanted 3 channels \(x, y, z\): \[n, 3\] or"
    ):
        samples_of(SPEC, T0, values)


@pytest.mark.parametrize("values", [["a", "b", "c"], [[1, 2, 3], [1]], object()])
def test_what_is_no_number_is_refused(values: object) -> None:
    with pytest.raises(ValueError, match="gyroscope: values are no numbers of one shape"):
        samples_of(SPEC, T0, values)


def test_as_many_times_as_samples_are_wanted() -> None:
    with pytest.raises(ValueError, match=r"gyroscope: t has shape \(3,\), wanted \(2,\), or the first sample's alone"):
        samples_of(SPEC, [T0] * 3, np.zeros((2, 3)))
