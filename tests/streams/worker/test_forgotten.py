from streams.binding import MessageBinder
from streams.intake.messages import Ingest
from streams.messages.codec import encode
from streams.messages.message import Message
from streams.testing import EPOCH_NS, SyntheticWorld

WORLD = SyntheticWorld(2, n_complete=2)


def test_windows_of_a_forgotten_source_are_refused_and_only_these() -> None:
    ingest = Ingest(WORLD.settings(), forgotten={"node-01"})
    emissions = [
        ingest.accept(Message(f"mmbind.windows.{one.modality}", 0, n, one.source_id.encode(), encode(one)), EPOCH_NS)
        for n, one in enumerate(WORLD.windows(1))
    ]
    assert [reject.reason for one in emissions for reject in one.rejects] == ["forgotten"] * 3
    assert [sample.source_id for one in emissions for sample in one.samples] == ["node-00"]


def test_samples_of_a_source_that_was_forgotten_meanwhile_are_refused() -> None:
    forgotten: set[str] = set()
    binder = MessageBinder(WORLD.settings(), "worker", forgotten=forgotten)
    samples = list(WORLD.samples(2))
    messages = [Message("mmbind.samples", 0, n, b"", encode(one)) for n, one in enumerate(samples)]
    assert len(binder.accept(messages[:2]).bindings) == 2
    forgotten.add("node-01")
    done = binder.accept(messages[2:])
    assert [one.sample_id for one in done.bindings] == [samples[2].sample_id]
    assert [one.reason for one in done.rejects] == ["forgotten"]
