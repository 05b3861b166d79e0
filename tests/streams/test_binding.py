"""The bind side without Faust: bytes of `samples` in, Bindings and rejects out."""

import itertools

import msgspec
import numpy as np

from encoders.scaling import Scaling
from streams.binder import Binder
from streams.binding import MessageBinder
from streams.messages.codec import JSON_TYPE, encode, encode_batch
from streams.messages.message import Message
from streams.messages.rejects import HEADER_PREFIX
from streams.records import Sample
from streams.stopwatch import Stopwatch
from streams.testing import SyntheticWorld

WORLD = SyntheticWorld(n_sources=6, n_classes=3)
SETTINGS = WORLD.settings()
SAMPLES = list(WORLD.samples(20))


def message(value: bytes | None, offset: int = 0, content_type: str | None = None) -> Message:
    headers = () if content_type is None else (("content-type", content_type.encode()),)
    return Message("mmbind.samples", 2, offset, b"key", value, headers)


def why(headers: tuple[tuple[str, bytes], ...], name: str) -> str:
    return dict(headers)[f"{HEADER_PREFIX}{name}"].decode()


def spoilt(**changes: object) -> Sample:
    return msgspec.structs.replace(SAMPLES[5], sample_id="spoilt", **changes)


def test_bytes_of_samples_become_the_bindings_that_a_binder_gives() -> None:
    messages = [message(encode_batch(SAMPLES[start : start + 7]), start) for start in range(0, len(SAMPLES), 7)]
    done = MessageBinder(SETTINGS, "w").accept(messages)
    assert list(done.bindings) == Binder(SETTINGS, "w").observe(SAMPLES)
    assert (done.rejects, done.n_repeated) == ((), 0)


def test_json_that_says_what_it_is_binds_like_msgpack() -> None:
    told = MessageBinder(SETTINGS, "w").accept([message(encode(SAMPLES[0], "json"), content_type=JSON_TYPE)])
    assert [one.sample_id for one in told.bindings] == [SAMPLES[0].sample_id]


def test_a_bad_record_costs_itself_only_and_is_rejected_with_its_place() -> None:
    name = WORLD.shared
    nan = spoilt(windows={name: np.full_like(SAMPLES[5].windows[name], np.nan)})
    unknown = spoilt(windows={"radar": SAMPLES[5].windows[name]})
    short = spoilt(windows={name: SAMPLES[5].windows[name][:3]})
    unscaled = spoilt(scaling={})
    batch = encode_batch([SAMPLES[0], nan, unknown, short, unscaled, SAMPLES[1]])
    done = MessageBinder(SETTINGS, "w").accept([message(batch, 41), message(b"\xc1", 42), message(None, 43)])
    assert [one.sample_id for one in done.bindings] == [SAMPLES[0].sample_id, SAMPLES[1].sample_id]
    places = [(why(one.headers, "offset"), why(one.headers, "index"), one.reason) for one in done.rejects]
    assert places == [
        ("41", "1", "not-finite"),
        ("41", "2", "unknown-modality"),
        ("41", "3", "shape"),
        ("41", "4", "shape"),
        ("42", "0", "undecodable"),
        ("43", "0", "empty"),
    ]
    assert done.rejects[0].value == encode(nan)
    assert {one.key for one in done.rejects} == {b"key"}


def test_a_sample_that_was_bound_before_is_counted_and_binds_no_more() -> None:
    binder = MessageBinder(SETTINGS, "w")
    binder.remember(SAMPLES[:10])
    done = binder.accept([message(encode_batch(SAMPLES[5:15]))])
    assert [one.sample_id for one in done.bindings if not one.round] == [one.sample_id for one in SAMPLES[10:15]]
    assert done.n_repeated == 5


def test_times_are_told_of_what_was_bound_and_not_of_what_was_remembered() -> None:
    clock = map(float, itertools.count())
    binder = MessageBinder(SETTINGS, "w", Stopwatch(lambda: next(clock)))
    binder.remember(SAMPLES[:10])
    done = binder.accept([message(encode_batch(SAMPLES[10:12]))])
    # Each look at the clock is a second: "bind" holds those of "embed" and "search".
    assert done.seconds["bind"] > done.seconds["embed"] + done.seconds["search"] > 0
    assert done.seconds["bind"] < 12


def test_a_scaling_need_not_be_there_for_a_modality_that_the_sample_lacks() -> None:
    extra = Scaling(center=np.zeros(3, np.float32), scale=np.ones(3, np.float32), n_windows=1)
    sample = spoilt(scaling=SAMPLES[5].scaling | {"elsewhere": extra})
    assert not MessageBinder(SETTINGS, "w").accept([message(encode(sample))]).rejects
