"""Messages in, samples and rejects out; nothing is lost, used twice, or acknowledged too early."""

import hashlib
from typing import Any

import pytest

from encoders.scaling import Scaling
from streams.intake.messages import Emission, Ingest
from streams.messages.codec import decode, encode
from streams.messages.message import Message
from streams.messages.rejects import HEADER_PREFIX, KEPT_BYTES, Reject
from streams.records import Sample, SensorWindow
from streams.settings import IngestSettings, ModalitySettings, TopicSettings
from streams.testing import EPOCH_NS, ManualClock, SyntheticWorld

WORLD = SyntheticWorld(n_sources=4, n_complete=1, seed=3)
SETTINGS = WORLD.settings()
GRACE_S = SETTINGS.ingest.grace_s
START = "mmbind.windows."


def window(slot: int = 0, modality: str = "acceleration", source: int = 1) -> SensorWindow:
    return WORLD.window(source, slot, modality)


def message(value: bytes | SensorWindow, offset: int = 0, **fields: Any) -> Message:
    modality, key = "acceleration", b"node-01"
    if isinstance(value, SensorWindow):
        modality, key, value = value.modality, value.source_id.encode(), encode(value)
    given = {"topic": START + modality, "partition": 0, "key": key, "value": value, **fields}
    return Message(offset=offset, **given)


def headers_of(reject: Reject) -> dict[str, str]:
    return {
        name.removeprefix(HEADER_PREFIX): value.decode()
        for name, value in reject.headers
        if name.startswith(HEADER_PREFIX)
    }


def test_windows_become_the_samples_that_the_world_says() -> None:
    ingest, clock = Ingest(SETTINGS), ManualClock()
    samples: list[Sample] = []
    for offset, one in enumerate(WORLD.windows(12)):
        clock.now_ns = one.start_ns
        samples += ingest.accept(message(one, offset), clock()).samples
        samples += ingest.tick(clock()).samples
    samples += ingest.tick(clock.advance(GRACE_S)).samples
    made = {one.sample_id: one for one in samples}
    wanted = {one.sample_id: one for one in WORLD.samples(12)}
    assert made.keys() == wanted.keys()
    for sample_id, sample in wanted.items():
        assert list(made[sample_id].windows) == list(sample.windows)
        assert (made[sample_id].label, made[sample_id].start_ns) == (sample.label, sample.start_ns)
        for name in sample.windows:
            assert (made[sample_id].scaled(name) == sample.scaled(name)).all()


def test_a_bad_record_in_a_batch_is_refused_alone_as_it_came() -> None:
    raws = [encode(window(slot)) for slot in range(10)]
    raws[3] = b"\x81\xa9source_id\x07"
    value = b"\x9a" + b"".join(raws)
    headers = [("content-type", b"application/msgpack"), ("from", b"a test")]
    ingest = Ingest(SETTINGS)
    emission = ingest.accept(message(value, 42, partition=2, headers=headers), EPOCH_NS + 10**12)
    (reject,) = emission.rejects
    told = headers_of(reject)
    assert (reject.value, reject.key, reject.reason) == (raws[3], b"node-01", "undecodable")
    assert {name: told[name] for name in ("topic", "partition", "offset", "index", "reason", "field")} == {
        "topic": START + "acceleration",
        "partition": "2",
        "offset": "42",
        "index": "3",
        "reason": "undecodable",
        "field": "source_id",
    }
    assert reject.headers[:2] == tuple(headers)
    late = ingest.tick(EPOCH_NS + 10**13)
    assert [window.start_ns for window in (*emission.samples, *late.samples)] == [
        window(slot).start_ns for slot in range(10) if slot != 3
    ]
    assert ingest.resolved(emission) == {}
    assert ingest.resolved(late) == {(START + "acceleration", 2): [42]}


@pytest.mark.parametrize(
    ("value", "reason"),
    [(None, "empty"), (b"", "empty"), (b"\xc1", "undecodable"), (b"[{", "undecodable"), (b"5", "undecodable")],
)
def test_a_message_without_records_is_refused_whole(value: bytes | None, reason: str) -> None:
    ingest = Ingest(SETTINGS)
    emission = ingest.accept(message(b"", 7) if value is None else message(value, 7), EPOCH_NS)
    assert [(one.reason, one.value) for one in emission.rejects] == [(reason, value or b"")]
    assert ingest.resolved(emission) == {(START + "acceleration", 0): [7]}


def test_an_empty_array_is_acknowledged_and_nothing_else() -> None:
    ingest = Ingest(SETTINGS)
    emission = ingest.accept(message(b"[]", 7), EPOCH_NS)
    assert (emission.samples, emission.rejects) == ((), ())
    assert ingest.resolved(emission) == {(START + "acceleration", 0): [7]}


def test_the_wrong_topic_key_and_time_are_refused() -> None:
    ingest = Ingest(SETTINGS)
    bad = [
        message(window(1), 1, topic=START + "gravity"),
        message(window(1), 2, topic="else"),
        message(window(1), 3, key=b"node-02"),
        message(window(1), 4, key=None),
        message(window(100), 5),
    ]
    emission = Emission.joined(ingest.accept(one, EPOCH_NS) for one in bad)
    assert [one.reason for one in emission.rejects] == ["unknown-modality", "unknown-modality", "key", "key", "time"]


def test_what_is_too_long_for_rejects_goes_there_as_a_digest() -> None:
    value = b"\xc1" * 5_000_000
    (reject,) = Ingest(SETTINGS).accept(message(value), EPOCH_NS).rejects
    told = headers_of(reject)
    assert reject.value == value[:KEPT_BYTES]
    assert (told["size_bytes"], told["sha256"]) == ("5000000", hashlib.sha256(value).hexdigest())
    assert told["reason"] == "too-large"


def test_a_long_message_that_rejects_can_take_goes_there_as_it_came() -> None:
    value = b"\xc1" * 3_000_000
    (reject,) = Ingest(SETTINGS).accept(message(value), EPOCH_NS).rejects
    assert reject.value == value


def test_long_headers_and_keys_do_not_make_a_reject_too_long() -> None:
    long = Message(START + "acceleration", 0, 0, b"k" * 5_000_000, b"\xc1", (("h", b"x" * 5_000_000),))
    (reject,) = Ingest(SETTINGS).accept(long, EPOCH_NS).rejects
    assert len(reject.key or b"") + sum(len(value) for _, value in reject.headers) < 10_000


def test_a_window_that_comes_twice_is_refused_the_second_time() -> None:
    ingest = Ingest(SETTINGS)
    first = ingest.accept(message(window(), 1), EPOCH_NS)
    again = ingest.accept(message(window(), 2), EPOCH_NS)
    assert ([one.reason for one in first.rejects], [one.reason for one in again.rejects]) == ([], ["duplicate"])


def test_one_start_under_two_window_ids_is_one_window() -> None:
    ingest = Ingest(SETTINGS)
    reasons = []
    for offset, (start_ns, window_id) in enumerate(
        [(EPOCH_NS, "x"), (EPOCH_NS, "y"), (EPOCH_NS + 1, "x"), (EPOCH_NS + 1, "z")]
    ):
        one = SensorWindow(
            source_id="node-01",
            modality="acceleration",
            start_ns=start_ns,
            values=window().values,
            window_id=window_id,
        )
        reasons.append([reject.reason for reject in ingest.accept(message(one, offset), EPOCH_NS).rejects])
    assert reasons == [[], ["duplicate"], ["duplicate"], ["duplicate"]]


def test_a_message_read_again_is_not_used_again() -> None:
    ingest = Ingest(SETTINGS)
    ingest.accept(message(window(), 1), EPOCH_NS)
    waiting = ingest.accept(message(window(), 1), EPOCH_NS)
    assert (waiting.samples, waiting.rejects, waiting.places, waiting.n_repeated) == ((), (), (), 1)
    closed = ingest.tick(EPOCH_NS + 10**12)
    assert ingest.resolved(closed) == {(START + "acceleration", 0): [1]}
    done = ingest.accept(message(window(), 1), EPOCH_NS)
    assert (done.samples, done.rejects, done.n_repeated) == ((), (), 1)
    assert ingest.resolved(done) == {(START + "acceleration", 0): [1]}


def through_the_log(samples: Any) -> list[Sample]:
    return [decode(encode(one), Sample) for one in samples]


def test_windows_of_a_recalled_sample_are_dropped_and_counted() -> None:
    before, after = Ingest(SETTINGS), Ingest(SETTINGS)
    before.accept(message(window(0)), EPOCH_NS)
    for one in through_the_log(before.tick(EPOCH_NS + 10**12).samples):
        after.recall(one)
    emission = after.accept(message(window(0), 5), EPOCH_NS)
    assert (emission.samples, emission.rejects, emission.n_repeated) == ((), (), 1)
    assert after.resolved(emission) == {(START + "acceleration", 0): [5]}


@pytest.mark.parametrize("n_before", [3, 40])
def test_scaling_goes_on_after_a_restart_as_if_there_had_been_none(n_before: int) -> None:
    def scalings(ingest: Ingest, slots: range) -> tuple[list[Scaling], list[Sample]]:
        samples: list[Sample] = []
        for slot in slots:
            samples += ingest.accept(message(window(slot), slot), window(slot).start_ns).samples
            samples += ingest.tick(window(slot).start_ns + 10**10).samples
        return [one.scaling["acceleration"] for one in samples], samples

    steady = Ingest(SETTINGS)
    _, samples = scalings(steady, range(n_before))
    wanted, _ = scalings(steady, range(n_before, n_before + 4))
    restarted = Ingest(SETTINGS)
    for one in through_the_log(samples + samples[:2]):
        restarted.recall(one)
    got, _ = scalings(restarted, range(n_before, n_before + 4))
    assert [(one.n_windows, one.center.tolist(), one.scale.tolist()) for one in got] == [
        (one.n_windows, one.center.tolist(), one.scale.tolist()) for one in wanted
    ]


def test_sources_are_held_out_by_name_or_by_share() -> None:
    def held_out(**fields: Any) -> list[bool]:
        ingest = Ingest(WORLD.settings(ingest=IngestSettings(**fields)))
        for source in range(4):
            ingest.accept(message(window(source=source), source), EPOCH_NS)
        return [one.held_out for one in ingest.tick(EPOCH_NS + 10**12).samples]

    assert held_out() == [False] * 4
    assert held_out(held_out_sources=("node-02",)) == [False, False, True, False]
    # crc32 of the ids, as shares of its range: 0.09, 0.38, 0.97, 0.56
    assert held_out(held_out_share=0.47) == [True, True, False, False]


def test_a_source_in_two_partitions_is_counted() -> None:
    ingest = Ingest(SETTINGS)
    counts = [
        ingest.accept(message(window(slot), slot, partition=partition), EPOCH_NS + 10**12).n_strayed
        for slot, partition in enumerate([1, 1, 2, 1])
    ]
    assert counts == [0, 0, 1, 0]


def test_a_sample_that_would_not_fit_into_a_message_is_said_at_once() -> None:
    with pytest.raises(ValueError, match="max_message_bytes is 10000"):
        large = {"acceleration": ModalitySettings(n_channels=3, n_steps=1000, rate_hz=10)}
        Ingest(WORLD.settings(topics=TopicSettings(max_message_bytes=10_000), modalities=large))
