"""What the Kafka clients themselves cannot read, to a real worker: refused with its place, and all else goes on."""

from pathlib import Path

from kafka import KafkaProducer

from deploy.machine.brokers import Broker
from streams.messages.codec import encode, encode_batch
from tests.support.batches import RawName
from tests.support.workers import Farm, complete_world, homes, key_of

BOMB_BYTES = 100_000_000  # of zeros, in a message of a tenth of a megabyte


def test_bad_header_names_and_what_decompresses_without_end_stop_no_worker(
    broker: Broker, tmp_path: Path, prefix: str
) -> None:
    world = complete_world(2)
    windows = list(world.windows(6))
    odd = windows[7]
    headers = [(RawName(b"\xff\xfe"), b"x")]
    with Farm(broker, world, tmp_path, prefix, grace_s=1.0) as farm:
        farm.send(windows[:7])
        producer = KafkaProducer(
            bootstrap_servers=farm.broker.bootstrap_servers,
            enable_idempotence=False,
            compression_type="gzip",
            max_request_size=2 * BOMB_BYTES,
            linger_ms=200,
        )
        topic, key = farm.names.windows(odd.modality), odd.source_id.encode()
        for one in windows[8:]:
            producer.send(farm.names.windows(one.modality), key=one.source_id.encode(), value=encode(one))
        # In one batch with good ones.
        producer.send(topic, key=key, value=encode(odd), headers=headers)
        producer.send(farm.names.samples, key=b"k", value=encode_batch([]), headers=headers)
        producer.send(farm.names.models, key=b"version/1", value=b"{}", headers=headers, partition=0)
        producer.flush()
        producer.send(topic, key=key, value=bytes(BOMB_BYTES))
        producer.flush()
        producer.close()
        worker = farm.start_worker()
        wanted = {key_of(one) for one in windows if one is not odd}
        farm.wait(lambda: wanted <= set(homes(farm.samples())), timeout_s=180)
        farm.wait(lambda: len(farm.rejects()) >= 3)
        farm.wait(lambda: farm.committed(topic) == farm.ends(topic))

        told = [{name: value.decode(errors="replace") for name, value in one.headers} for one in farm.rejects()]
        found = sorted((one["mmbind.reject.topic"], one["mmbind.reject.detail"].split(": ", 2)[2]) for one in told)
        assert found == sorted(
            [
                (topic, r"a header's name is no UTF-8: \xff\xfe"),
                (topic, "it and 0 more: its batch decompresses to more than 67108864 bytes"),
                (farm.names.samples, r"a header's name is no UTF-8: \xff\xfe"),
            ]
        )
        assert encode(odd) in [one.value for one in farm.rejects()]
        assert worker.alive
        assert worker.stop() == 0
