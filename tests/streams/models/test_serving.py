"""Who answers while a version is on trial, what is counted of each, and that the trial's failures reach nobody."""

import numpy as np
import pytest

from encoders.loaded_model import LoadedModel
from encoders.scaling import fit_scaling
from streams.models.serving import NoModelYet, Serving, VersionInUse, windows_of
from streams.models.use import LEAST_ROWS
from streams.records import Sample, VersionUse
from tests.support.following import loaded, unlike_windows
from tests.support.models import bundle, windows


class Faulty:
    """An encoder that does what it is told."""

    n_pooled = 1

    def __init__(self, value: float | None) -> None:
        self._value = value

    def __call__(self, windows: np.ndarray) -> np.ndarray:
        if self._value is None:
            raise RuntimeError("out of memory")
        return np.full((len(windows), bundle(1).manifest.dim), self._value, np.float32)

    pooled = __call__


def faulty(version: int, value: float | None = None) -> VersionInUse:
    return VersionInUse(LoadedModel(bundle(version).manifest, {"gravity": Faulty(value), "gyroscope": Faulty(value)}))


def told(serving: Serving) -> tuple[VersionUse, VersionUse, float | None]:
    use, trial, agreement = serving.told()
    assert use is not None and trial is not None
    return use, trial, agreement


@pytest.mark.parametrize("hands_out", [False, True])
def test_both_embed_and_one_is_given(hands_out: bool) -> None:
    serving = Serving(VersionInUse(loaded(1)), VersionInUse(loaded(2)), hands_out)
    given = serving.embed(lambda model: windows(), None)
    assert given.version == 1 + hands_out
    np.testing.assert_array_equal(given.rows, loaded(1 + hands_out).embed(windows()))
    use, trial, _ = told(serving)
    assert (use.version, use.calls, use.errors) == (1, 1, 0)
    assert (trial.version, trial.calls, trial.errors) == (2, 1, 0)
    assert use.embed_s > 0 and trial.embed_s > 0


@pytest.mark.parametrize("hands_out", [False, True])
@pytest.mark.parametrize("value", [None, np.nan])
def test_a_trial_that_fails_is_counted_and_the_present_version_answers(hands_out: bool, value: float | None) -> None:
    serving = Serving(VersionInUse(loaded(1)), faulty(2, value), hands_out)
    for _ in range(3):
        given = serving.embed(lambda model: windows(), None)
        assert given.version == 1
        np.testing.assert_array_equal(given.rows, loaded(1).embed(windows()))
    use, trial, agreement = told(serving)
    assert (use.calls, use.errors, trial.calls, trial.errors, agreement) == (3, 0, 3, 3, None)


def test_what_the_present_version_refuses_is_raised_and_counted_for_both() -> None:
    serving = Serving(VersionInUse(loaded(1)), VersionInUse(loaded(2)))
    with pytest.raises(ValueError, match="no windows"):
        serving.embed(lambda model: {}, None)
    use, trial, _ = told(serving)
    assert (use.calls, use.errors, trial.calls, trial.errors) == (1, 1, 1, 1)


def test_a_trial_that_is_only_watched_does_not_stand_in_and_one_handed_out_does() -> None:
    for hands_out in (False, True):
        serving = Serving(faulty(1), VersionInUse(loaded(2)), hands_out)
        if hands_out:
            assert serving.embed(lambda model: windows(), None).version == 2
        else:
            with pytest.raises(RuntimeError, match="out of memory"):
                serving.embed(lambda model: windows(), None)
        assert (told(serving)[0].errors, told(serving)[1].errors) == (1, 0)


def test_before_the_first_version_there_is_none() -> None:
    with pytest.raises(NoModelYet):
        Serving().embed(lambda model: windows(), None)
    with pytest.raises(NoModelYet):
        Serving(None, VersionInUse(loaded(2))).embed(lambda model: windows(), None)


def test_embeddings_that_are_not_finite_are_an_error_but_are_given_as_they_are() -> None:
    serving = Serving(faulty(1, np.nan), VersionInUse(loaded(2)))
    assert np.isnan(serving.embed(lambda model: windows(), None).rows).all()
    use, trial, agreement = told(serving)
    assert (use.errors, trial.errors, agreement) == (1, 0, None)


def test_the_agreement_is_that_of_the_same_windows() -> None:
    for other, least, most in ((1, 0.9999, 1.0001), (2, 0.0, 0.95)):
        serving = Serving(VersionInUse(loaded(1)), VersionInUse(loaded(other)))
        for i in range(LEAST_ROWS // 4):
            assert told(serving)[2] is None
            serving.embed(lambda model, i=i: unlike_windows(4, i), None)  # type: ignore[misc]
        agreement = told(serving)[2]
        assert agreement is not None and least <= agreement <= most


def test_the_agreement_begins_anew_with_another_version_and_goes_on_with_the_same() -> None:
    serving = Serving(VersionInUse(loaded(1)), VersionInUse(loaded(2)))
    for i in range(LEAST_ROWS // 4):
        serving.embed(lambda model, i=i: unlike_windows(4, i), None)  # type: ignore[misc]
    assert told(serving)[2] is not None
    assert told(serving.with_trial(serving.trial, hands_out=True))[2] == told(serving)[2]
    assert told(serving.with_trial(VersionInUse(loaded(3))))[2] is None
    assert told(serving.with_present(VersionInUse(loaded(3))))[2] is None


def test_a_trial_that_is_served_is_over_and_another_one_goes_on() -> None:
    serving = Serving(VersionInUse(loaded(1)), VersionInUse(loaded(2)), hands_out=True)
    assert serving.trial is not None
    assert serving.with_present(VersionInUse(serving.trial.model)).trial is None
    other = serving.with_present(VersionInUse(loaded(3)))
    assert other.trial is serving.trial and other.embed(lambda model: windows(), None).version == 2


def test_of_a_sample_each_version_is_given_what_it_has_encoders_for() -> None:
    raw = {name: values[0] for name, values in windows().items()} | {"radar": np.zeros((2, 2), np.float32)}
    scaling = {name: fit_scaling(values[None]) for name, values in raw.items()}
    sample = Sample(sample_id="a@1", source_id="a", start_ns=0, windows=raw, scaling=scaling)
    fewer = LoadedModel(bundle(2).manifest, {"gravity": loaded(2).encoders["gravity"]})
    serving = Serving(VersionInUse(loaded(1)), VersionInUse(fewer))
    known = {name: sample.scaled(name)[None] for name in ("gravity", "gyroscope")}
    np.testing.assert_array_equal(serving.embed(windows_of(sample), None).rows, loaded(1).embed(known))
    assert told(serving)[1].errors == 0
