import msgspec
import numpy as np
import pytest

from encoders.modality import ModalitySpec
from encoders.scaling import Scaling
from streams.records import Sample
from tests.support.recorded import binding_of, small_settings
from trainer.judging.held_out import HeldOut
from trainer.newest_scaling import NewestScaling
from trainer.replay.buffer import ReplayBuffer
from trainer.replay.partners import bound_partner
from trainer.step.step import TrainStep

HOP_NS = 5_000_000_000


def sample(source: str, slot: int, scale: float, modalities: str = "acceleration gyroscope") -> Sample:
    windows = {name: np.full((16, 1), 6, np.float32) for name in modalities.split()}
    scaling = {
        name: Scaling(center=np.zeros(1, np.float32), scale=np.full(1, scale, np.float32), n_windows=slot)
        for name in windows
    }
    return Sample(
        sample_id=f"{source}@{slot}", source_id=source, start_ns=slot * HOP_NS, windows=windows, scaling=scaling
    )


def drawn(buffer: ReplayBuffer) -> dict[str, float]:
    """What of each sample of a large batch is learned from."""
    batch = buffer.draw(64)
    rows = [one for one in (*batch.anchors, *batch.partners) if one is not None]
    return {one.sample_id: float(one.scaled("acceleration")[0, 0]) for one in rows}


def buffer_of(*samples: Sample, **settings: object) -> ReplayBuffer:
    buffer = ReplayBuffer(small_settings(**settings), bound_partner("acceleration"))
    for one in samples:
        buffer.admit(binding_of(one, ()), one)
    return buffer


def test_all_samples_of_a_source_are_learned_from_in_its_newest_units() -> None:
    buffer = buffer_of(sample("a", 0, 1), sample("b", 1, 3), sample("a", 2, 2))
    assert drawn(buffer) == {"a@0": 3, "a@2": 3, "b@1": 2}


def test_a_modality_that_the_newest_sample_lacks_keeps_its_own_units() -> None:
    newest = NewestScaling([sample("a", 0, 2), sample("a", 1, 3, "gyroscope")])
    scaled = {name: newest.of(sample("a", 2, 1)).scaled(name)[0, 0] for name in ("acceleration", "gyroscope")}
    assert scaled == {"acceleration": 3, "gyroscope": 2}


def test_a_later_round_of_an_early_sample_brings_no_older_units_back() -> None:
    first, last = sample("a", 0, 1), sample("a", 1, 2)
    buffer = buffer_of(first, last)
    buffer.admit(binding_of(first, (), round_=1), first)
    assert set(drawn(buffer).values()) == {3}


def test_a_buffer_restored_from_a_snapshot_has_the_same_units() -> None:
    buffer = buffer_of(
        *(sample("ab"[slot % 2], slot, (1, 1, 1, 1, 2, 2, 3, 4)[slot]) for slot in range(8)), replay_samples=5
    )
    again = ReplayBuffer(buffer.settings, bound_partner("acceleration"), buffer.snapshot(), dict(buffer.samples))
    assert drawn(again) == drawn(buffer) == {"a@4": 2, "a@6": 2, "b@3": 1.5, "b@5": 1.5, "b@7": 1.5}


def test_units_of_a_source_that_was_forgotten_are_gone() -> None:
    buffer = buffer_of(sample("a", 0, 3))
    buffer.forget({"a"})
    early = sample("a", 1, 1, "acceleration gyroscope")
    buffer.admit(binding_of(early, ()), msgspec.structs.replace(early, scaling=early.scaling))
    assert drawn(buffer) == {"a@1": 6}


def test_what_is_held_out_is_judged_in_the_newest_units(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Sample] = []

    def evaluate_each(
        encoders: object, samples: list[Sample], pairs: object
    ) -> tuple[dict[str, float], dict[str, float]]:
        seen.extend(samples)
        return {}, {}

    monkeypatch.setattr("trainer.judging.held_out.evaluate_each", evaluate_each)
    specs = {
        name: ModalitySpec(name=name, n_channels=1, n_steps=16, rate_hz=1) for name in ("acceleration", "gyroscope")
    }
    weights = TrainStep(specs, "acceleration", small_settings(), 0).weights()
    HeldOut(8, [sample("a", 0, 1), sample("a", 1, 2)]).evaluate(specs, weights, set())
    assert [float(one.scaled("gyroscope")[0, 0]) for one in seen] == [3, 3]
