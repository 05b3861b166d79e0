"""One line of a topic for each record, for people."""

import msgspec
import numpy as np

from deploy.topics.tail import as_line, records_of
from encoders.scaling import Scaling
from streams.messages.codec import encode, encode_batch
from streams.messages.message import Message
from streams.messages.rejects import reject_headers
from streams.records import Binding, FollowerReport, NodeScaling, Partner, Sample, SampleEmbedding


def test_records_of_every_topic_become_a_line() -> None:
    def message(value: bytes, key: bytes = b"k", headers: tuple[tuple[str, bytes], ...] = ()) -> Message:
        return Message("t", 0, 0, key, value, headers, 1_700_000_000_000)

    partners = tuple(Partner(sample_id=f"b@{i}", similarity=0.9, probability=0.2) for i in range(5))
    pair = Binding(sample_id="a@1", round=0, model_version=2, outcome="bound", partners=partners)
    scaling = Scaling(center=np.zeros(3, np.float32), scale=np.ones(3, np.float32), n_windows=1)
    sample = Sample(
        sample_id="a@1", source_id="a", start_ns=0, windows={"acc": np.zeros((4, 3), np.float32)},
        scaling={"acc": scaling}, held_out=True,
    )  # fmt: skip
    report = msgspec.json.encode(FollowerReport(follower_id="f", version=3, at_ns=0))
    refused = reject_headers("mmbind.windows.acc", 1, 7, 3, "not-finite", "values", "values: not-finite: nan")
    embedding = SampleEmbedding(
        sample_id="a@1", source_id="a", start_ns=1, model_version=3, modalities=("acc", "gyr"),
        values=np.linspace(-0.5, 1, 8, dtype=np.float32),
    )  # fmt: skip
    told = NodeScaling(source_id="a/b", modality="acc", scaling=scaling)
    for kind, given, wanted in (
        ("embeddings", message(encode(embedding)), "v3  a@1  acc+gyr  -0.5, -0.286, -0.0714, 0.143, ... 8 in all"),
        ("scalings", message(encode(told)), "a/b  acc  center 0, 0, 0  scale 1, 1, 1"),
        ("scalings", Message("t", 0, 0, b"a/b/acc", None, (), 0), "a/b  acc  taken back"),
        ("pairs", message(encode_batch([pair])), "v2  a@1  bound  b@0 (0.90, p 0.20)"),
        ("samples", message(encode_batch([sample])), "a@1  acc 4x3  held_out"),
        (
            "rejects",
            message(b"x", headers=refused),
            "not-finite  mmbind.windows.acc[1]@7, record 3: values: not-finite",
        ),
        ("followers", message(report, key=b"f"), 'f  {"follower_id": "f", "version": 3'),
        ("pairs", message(b"\xc1"), "undecodable"),
        ("models", message(b"no json", key=b"version/1"), "JSON is malformed"),
    ):
        (record,) = records_of(kind, given)
        assert wanted in as_line(kind, given, record)
    assert as_line("pairs", message(b""), records_of("pairs", message(encode_batch([pair])))[0]).endswith("and 2 more")
