"""A worker that two messages end, each by a fault that nobody knows of, gets past them by itself."""

from pathlib import Path

import msgspec

from deploy.machine.brokers import EmbeddedBroker
from streams.messages.codec import encode
from tests.support.faulty_service import BIND_FAULT, INGEST_FAULT
from tests.support.waiting import wait_until
from tests.support.workers import Farm, complete_world, homes, key_of

MOST_CRASHES = 4  # two of the one message and two of the other; both may end the same life


def test_what_crashed_a_worker_twice_is_set_aside_and_a_crash_never_exits_0(
    embedded_broker: EmbeddedBroker, tmp_path: Path, prefix: str
) -> None:
    world = complete_world(2)
    windows = list(world.windows(6))
    unbearable = [msgspec.structs.replace(one, source_id=BIND_FAULT) for one in world.windows(1)][:3]
    with Farm(embedded_broker, world, tmp_path, prefix, grace_s=1.0) as farm:
        farm.send(windows[:18])
        farm.send_raw([("gravity", b"node-00", INGEST_FAULT)])
        farm.send(unbearable)
        farm.send(windows[18:])
        codes = []
        worker = farm.start_worker("tests.support.faulty_service")
        wanted = {key_of(one) for one in windows}

        def is_through() -> bool:
            nonlocal worker
            if not worker.alive:
                codes.append(worker.exit_code)
                worker = farm.start_worker("tests.support.faulty_service")
            reasons = [dict(one.headers)["mmbind.reject.reason"] for one in farm.rejects()]
            bound = {one.sample_id for one in farm.bindings()}
            own = [one for one in farm.samples() if one.source_id != BIND_FAULT]
            return (
                reasons.count(b"crashed-the-service") >= 2
                and wanted <= set(homes(own))
                and bound >= {one.sample_id for one in own}
            )

        wait_until(is_through, 240, told=lambda: worker.log_tail(), is_hopeless=lambda: len(codes) > MOST_CRASHES)

        places = {
            dict(one.headers)["mmbind.reject.topic"].decode(): dict(one.headers)["mmbind.reject.detail"].decode()
            for one in farm.rejects()
        }
        assert 2 <= len(codes) <= MOST_CRASHES
        assert 0 not in codes
        assert {name: detail.split("Error: ")[1] for name, detail in places.items()} == {
            farm.names.windows("gravity"): "an ingest that nobody thought of",
            farm.names.samples: "a binding that nobody thought of",
        }
        assert INGEST_FAULT in [one.value for one in farm.rejects()]
        assert not [one for one in farm.bindings() if one.sample_id.startswith(BIND_FAULT)]
        assert worker.stop() == 0
        assert encode(windows[0]) not in [one.value for one in farm.rejects()]
