"""The trainer's own trials by its process on a real broker: begun, reported on by consumers, and ended after a kill."""

import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path

import pytest

from deploy.demo.services import scrape
from deploy.machine.brokers import Broker
from streams.follower import ModelFollower
from streams.models.rollout import CANARY
from tests.support.recorded import small_settings
from tests.support.trainers import LENIENT, TrainerFleet

# All take part. What so few steps teach is not judged here, nor is the machine.
ROLLOUT = {
    "canary": 1.0,
    "for_s": 15,
    "min_calls": 20,
    "min_agreement": 0,
    "max_mean_cosine": 1,
    "max_slowdown": 1e6,
}
TRAINER = small_settings(cycle_bindings=32, steps_per_cycle=60, gate=LENIENT, rollout=ROLLOUT)
# Of them comes a cycle, and so a version.
ENOUGH = 44


@pytest.fixture
def fleet(any_broker: Broker, prefix: str, tmp_path: Path) -> Iterator[TrainerFleet]:
    made = TrainerFleet(any_broker, prefix, tmp_path, TRAINER)
    yield made
    made.close()


@contextmanager
def consumers(fleet: TrainerFleet, names: str) -> Iterator[list[ModelFollower]]:
    """Followers, each of which embeds the fleet's samples again and again."""
    stop, shared = threading.Event(), fleet.record.world.shared
    samples = [one for one in fleet.record.samples.values() if shared in one.windows]
    broker, root, prefix = fleet.settings.broker, fleet.settings.registry.root, fleet.names.prefix
    followers = [ModelFollower(broker, root, prefix=prefix, follower_id=name) for name in names]

    def embed(follower: ModelFollower) -> None:
        with follower:
            for sample in cycle(samples):
                if stop.wait(0.1):
                    return
                if follower.version:
                    follower.embed_sample(sample)

    threads = [threading.Thread(target=embed, args=(one,)) for one in followers]
    for thread in threads:
        thread.start()
    try:
        yield followers
    finally:
        stop.set()
        for thread in threads:
            thread.join(20)


def shown(fleet: TrainerFleet) -> dict[str, float]:
    """The metrics of the trainer that was started last; nothing before it answers."""
    ports = re.findall(r"health on http://127\.0\.0\.1:(\d+)", fleet.log_file.read_text())
    return scrape(int(ports[-1])) if len(ports) == len(fleet.processes) else {}


def test_a_version_is_tried_by_consumers_and_promoted_though_the_trainer_is_killed_meanwhile(
    fleet: TrainerFleet,
) -> None:
    bindings = fleet.record.bindings
    with consumers(fleet, "ab") as followers:
        fleet.write(bindings[:ENOUGH])
        process = fleet.start()
        fleet.wait(lambda: all(one.version == 1 for one in followers), "version 1 is in use")
        assert fleet.view().channels == {"candidate": 1, "stable": 1}

        fleet.write(bindings[ENOUGH : 2 * ENOUGH])
        fleet.wait(lambda: shown(fleet).get("mmbind_trial_version") == 2, "version 2 is on trial")
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert fleet.view().channels == {"canary": 2, "candidate": 2, "stable": 1}

        process = fleet.start()
        fleet.wait(lambda: all(one.version == 2 for one in followers), "version 2 is in use")
        promoted = 'mmbind_trials_ended_total{outcome="promoted"}'
        fleet.wait(lambda: shown(fleet).get(promoted) == 1, "the trial has ended")
        fleet.wait(lambda: shown(fleet).get("mmbind_trial_version") == 0, "nothing is on trial")
        assert fleet.stop(process) == 0

    view = fleet.view()
    assert view.channels == {"canary": 0, "candidate": 2, "stable": 2}
    assert [len(view.history(name)) for name in (CANARY, "candidate", "stable")] == [2, 2, 2]
    last = view.history("stable")[-1]
    assert last.by == "roller" and last.reason.startswith("passed its trial: ") and "2 followers" in last.reason
