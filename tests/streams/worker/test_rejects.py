"""Messages that no sensor should send, to a real worker: each ends in `rejects`, and nothing else suffers."""

import hashlib
from collections import Counter
from pathlib import Path

import msgspec
import numpy as np
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from deploy.machine.brokers import Broker
from streams.messages.codec import encode, encode_batch
from tests.support.workers import Farm, complete_world, homes, key_of


def header(headers: tuple[tuple[str, bytes], ...], name: str) -> str:
    return dict(headers)[f"mmbind.reject.{name}"].decode()


def allow_messages_of(broker: Broker, topic: str, max_bytes: int) -> None:
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {"max.message.bytes": str(max_bytes)})])
    admin.close()


def test_what_cannot_be_used_goes_to_rejects_and_nothing_else_suffers(
    broker: Broker, tmp_path: Path, prefix: str
) -> None:
    nodes = complete_world(2)
    windows = list(nodes.windows(10))
    gyroscope = [w for w in windows if w.modality == "gyroscope" and w.source_id == "node-00"]
    bad = msgspec.structs.replace(gyroscope[3], values=np.full_like(gyroscope[3].values, np.nan))
    huge = b"\x81" + bytes(5_000_000)
    with Farm(broker, nodes, tmp_path, prefix, grace_s=2.0) as farm:
        if broker.keeps_data:
            allow_messages_of(broker, farm.names.windows("gravity"), 8_000_000)
        farm.send(w for w in windows if w not in gyroscope)
        farm.send_raw(
            [
                ("gyroscope", b"node-00", encode_batch([*gyroscope[:3], bad, *gyroscope[4:]])),
                ("gyroscope", b"node-01", b"no record"),
                ("gyroscope", b"node-01", None),
                ("gyroscope", b"somebody else", encode(gyroscope[0])),
                ("acceleration", b"node-00", encode(gyroscope[0])),
                ("gyroscope", b"node-00", encode(gyroscope[9])),
                ("gravity", b"node-01", huge),
            ]
        )
        worker = farm.start_worker()
        farm.wait_for_bindings(20)
        farm.wait(lambda: len(farm.rejects()) >= 7)
        farm.wait(lambda: farm.committed(farm.names.windows("gyroscope")) == farm.ends(farm.names.windows("gyroscope")))

        rejects = farm.rejects()
        reasons = Counter(header(m.headers, "reason") for m in rejects)
        found = homes(farm.samples())
        assert reasons == Counter(
            {
                "undecodable": 1,
                "too-large": 1,
                "not-finite": 1,
                "empty": 1,
                "key": 1,
                "unknown-modality": 1,
                "duplicate": 1,
            }
        )
        (nan,) = (m for m in rejects if header(m.headers, "reason") == "not-finite")
        assert (header(nan.headers, "index"), header(nan.headers, "field")) == ("3", "values")
        assert (nan.key, nan.value) == (b"node-00", encode(bad))
        (big,) = (m for m in rejects if header(m.headers, "topic").endswith("gravity"))
        assert header(big.headers, "sha256") == hashlib.sha256(huge).hexdigest()
        assert (header(big.headers, "size_bytes"), big.value) == ("5000001", huge[:4096])
        assert set(found) == {key_of(w) for w in windows if w is not gyroscope[3]}
        assert all(len(ids) == 1 for ids in found.values())
        assert worker.stop() == 0
