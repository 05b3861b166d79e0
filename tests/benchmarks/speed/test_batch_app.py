"""The batch loop that the worker is compared with does the plain job, and only that."""

from benchmarks.speed.batch_app import BATCH
from benchmarks.speed.faust_apps import PlainJob
from benchmarks.speed.workload import NEAREST, SPEC
from streams.messages.codec import decode, encode
from streams.records import Binding, SensorWindow
from streams.settings import ModalitySettings, StreamSettings


def test_windows_of_a_batch_are_bound_to_those_before_it(windows: list[SensorWindow]) -> None:
    modality = ModalitySettings(n_channels=SPEC.n_channels, n_steps=SPEC.n_steps, rate_hz=SPEC.rate_hz)
    job = PlainJob(StreamSettings(modalities={SPEC.name: modality}, shared_modality=SPEC.name))
    sources = {one.identity: one.source_id for one in windows}
    raws = [encode(one) for one in windows]
    first, second = (
        [decode(one, Binding) for one in job.run(some)] for some in (raws[:BATCH], raws[BATCH : 2 * BATCH])
    )
    assert [one.sample_id for one in first + second] == [one.identity for one in windows[: 2 * BATCH]]
    assert all(one.outcome == "alone" for one in first)
    assert all(len(one.partners) == NEAREST for one in second)
    before = {one.sample_id for one in first}
    for one in second:
        assert {partner.sample_id for partner in one.partners} <= before
        assert sources[one.sample_id] not in {sources[partner.sample_id] for partner in one.partners}
