import pytest

from deploy.errors import WrongInput
from deploy.rejects.record import Filter, RecordPlace, RefusedRecord, place_from, refused_record
from streams.messages.message import Message
from streams.messages.outbox import Outbox
from streams.messages.rejects import InvalidRecord
from streams.settings import TopicSettings

PLACE = RecordPlace("mmbind.windows.gravity", 2, 17, 3)


def written(
    value: bytes = b"record", max_bytes: int = 1_000_000, headers: tuple[tuple[str, bytes], ...] = ()
) -> Message:
    """A message of rejects, as a worker writes it."""
    came = Message(*PLACE[:3], b"node-1", b"all of it", headers)
    reject = came.reject(3, value, InvalidRecord("shape", "values", "4, wanted by none", "[50, 3]"), max_bytes)
    (out,) = Outbox(TopicSettings()).rejects([reject])
    return Message(out.topic, 0, 5, out.key, out.value, out.headers, 1000)


def read(message: Message) -> RefusedRecord:
    found = refused_record(message)
    assert found is not None
    return found


def test_a_refused_record_says_what_the_worker_said_of_it() -> None:
    one = read(written(headers=(("content-type", b"application/json"), ("mmbind.reject.topic", b"a lie"))))
    assert (one.place, one.reason, one.field) == (PLACE, "shape", "values")
    assert (one.got, one.wanted) == ("4, wanted by none", "[50, 3]")
    assert (one.key, one.value, one.is_cut, one.source) == (b"node-1", b"record", False, "node-1")
    assert one.headers == (("content-type", b"application/json"),)


def test_one_too_long_to_be_kept_says_how_long_it_was() -> None:
    one = read(written(b"x" * 50_000, max_bytes=20_000))
    assert (one.is_cut, one.n_bytes) == (True, 50_000)


def test_a_message_that_nobody_of_us_wrote_is_none() -> None:
    assert refused_record(Message("mmbind.rejects", 0, 0, None, None, (("mmbind.reject.topic", b"x"),))) is None


def test_a_place_is_read_as_it_is_written() -> None:
    assert place_from(str(PLACE)) == PLACE
    assert place_from("t[0]@4") == RecordPlace("t", 0, 4, 0)
    with pytest.raises(WrongInput, match=r"place 't@4': wanted TOPIC\[PARTITION\]@OFFSET#RECORD"):
        place_from("t@4")


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        (Filter(), True),
        (Filter(reasons=["time", "shape"]), True),
        (Filter(reasons=["time"]), False),
        (Filter(topics=["windows.gravity"]), True),
        (Filter(topics=["mmbind.windows.gravity"], sources=["node-2"]), False),
        (Filter(places=[PLACE]), True),
        (Filter(places=[PLACE._replace(record=0)]), False),
        (Filter(since_ms=1000), True),
        (Filter(since_ms=1001), False),
    ],
)
def test_a_filter_wants_all_that_it_names(wanted: Filter, fits: bool) -> None:
    assert wanted.fits(read(written()), "mmbind.") == fits
