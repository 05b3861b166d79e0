"""The naive job that the worker is compared with does its work."""

from benchmarks.speed.faust_apps import PlainJob
from benchmarks.speed.workload import NEAREST, SPEC
from streams.messages.codec import decode, encode
from streams.records import Binding, SensorWindow
from streams.settings import ModalitySettings, StreamSettings


def test_each_window_is_bound_to_the_nearest_of_other_sources(windows: list[SensorWindow]) -> None:
    modality = ModalitySettings(n_channels=SPEC.n_channels, n_steps=SPEC.n_steps, rate_hz=SPEC.rate_hz)
    job = PlainJob(StreamSettings(modalities={SPEC.name: modality}, shared_modality=SPEC.name))
    sources = {one.identity: one.source_id for one in windows}
    bindings = [decode(job.run([encode(one)])[0], Binding) for one in windows]
    assert [one.sample_id for one in bindings] == [one.identity for one in windows]
    assert bindings[0].outcome == "alone" and not bindings[0].partners
    last = bindings[-1]
    assert len(last.partners) == NEAREST
    assert sources[last.sample_id] not in {sources[one.sample_id] for one in last.partners}
    assert all(one.similarity >= other.similarity for one, other in zip(last.partners, last.partners[1:], strict=False))
