import msgspec
import numpy as np
import pytest

from streams.binder import Binder
from streams.records import Binding
from streams.settings import BindingSettings
from streams.testing import SyntheticWorld

WORLD = SyntheticWorld(n_sources=8, n_classes=5, held_out=1)
SAMPLES = list(WORLD.samples(60))
BY_ID = {sample.sample_id: sample for sample in SAMPLES}


def binder(worker: str = "") -> Binder:
    return Binder(WORLD.settings(binding=BindingSettings(review_samples=0)), worker)


@pytest.fixture(scope="module")
def bindings() -> list[Binding]:
    one = binder("worker-a")
    return [binding for start in range(0, len(SAMPLES), 64) for binding in one.observe(SAMPLES[start : start + 64])]


def test_every_sample_gets_one_binding_in_order(bindings: list[Binding]) -> None:
    assert [one.sample_id for one in bindings] == [one.sample_id for one in SAMPLES]
    assert [one.sequence for one in bindings] == list(range(1, len(SAMPLES) + 1))
    assert {one.worker for one in bindings} == {"worker-a"}


def test_partners_are_earlier_samples_of_other_sources_never_held_out(bindings: list[Binding]) -> None:
    order = {sample.sample_id: place for place, sample in enumerate(SAMPLES)}
    for one in bindings:
        for partner in one.partners:
            other = BY_ID[partner.sample_id]
            assert order[partner.sample_id] < order[one.sample_id]
            assert other.source_id != BY_ID[one.sample_id].source_id
            assert not other.held_out


def test_probabilities_add_up_and_fall(bindings: list[Binding]) -> None:
    for one in bindings:
        shares = [partner.probability for partner in one.partners]
        assert (one.outcome == "bound") == bool(shares)
        assert not shares or sum(shares) == pytest.approx(1, abs=1e-5)
        assert shares == sorted(shares, reverse=True)
        assert len({partner.sample_id for partner in one.partners}) == len(shares) <= 8


def test_binds_what_does_the_same(bindings: list[Binding]) -> None:
    best = [(one.sample_id, one.partners[0].sample_id) for one in bindings if one.partners]
    right = np.mean([BY_ID[left].label == BY_ID[other].label for left, other in best])
    assert right > 0.8


def test_held_out_samples_are_passed_by(bindings: list[Binding]) -> None:
    passed = [one for one in bindings if one.outcome == "held-out"]
    assert len(passed) == 60
    assert not any(one.partners for one in passed)


def test_a_sample_twice_gives_one_binding() -> None:
    one = binder()
    first = one.observe([*SAMPLES[:20], *SAMPLES[:20]])
    assert len(first) == 20
    assert [binding.sample_id for binding in one.observe(SAMPLES[:21])] == [SAMPLES[20].sample_id]
    assert one.sequence == 21


def test_without_the_shared_modality_there_is_nothing_to_bind_by() -> None:
    lacking = msgspec.structs.replace(SAMPLES[9], windows={"gravity": np.zeros((50, 3), np.float32)})
    one = binder()
    one.observe(SAMPLES[:9])
    assert one.observe([lacking])[0].outcome == "no-shared-modality"
    assert not one.observe([lacking])


def test_a_window_that_stands_still_binds_nobody() -> None:
    still = {**SAMPLES[9].windows, WORLD.shared: np.full((50, 3), 1.5, np.float32)}
    one = binder()
    one.observe(SAMPLES[:9])
    assert one.observe([msgspec.structs.replace(SAMPLES[9], windows=still)])[0].outcome == "alone"
    assert one.store.n_samples == sum(not sample.held_out for sample in SAMPLES[:9])


def test_the_first_sample_and_a_lonely_source_are_alone() -> None:
    lonely = [sample for sample in SAMPLES if sample.source_id == "node-03"]
    assert {one.outcome for one in binder().observe(lonely)} == {"alone"}


def test_what_was_remembered_is_a_partner_but_no_binding() -> None:
    one = binder()
    one.remember(SAMPLES[:100])
    assert one.sequence == 0
    first = one.observe(SAMPLES[99:105])
    assert [binding.sample_id for binding in first] == [sample.sample_id for sample in SAMPLES[100:105]]
    assert first[1].partners
