"""Versions on trial in real consumers, on a real broker: a good one rolls out by itself, a bad one rolls back."""

import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from deploy.machine.brokers import Broker
from encoders.bundle import ModelBundle
from streams.follower import ModelFollower
from streams.models.registry import Registry
from streams.models.rollout import CANARY
from streams.records import ChannelMove, Decision
from tests.support.following import unlike_windows
from tests.support.models import bundle
from tests.support.topics import installed
from tests.support.waiting import wait_until
from trainer.candidate import Candidate
from trainer.metrics import TrainerMetrics
from trainer.rollout.own_trials import OwnTrials
from trainer.rollout.roller import rolling
from trainer.settings import RolloutSettings
from trainer.topics.models import KafkaModels
from trainer.topics.publishing import Publisher

N_FOLLOWERS = 4
LIMITS = RolloutSettings(canary=0.01, for_s=3, min_calls=20, max_slowdown=1e6)


class Fleet:
    """Consumers that embed all the time, a trainer's publisher and its roller."""

    def __init__(self, broker: Broker, prefix: str, folder: Path) -> None:
        self.settings = installed(broker, prefix, folder)
        self.models = KafkaModels(self.settings.broker, prefix)
        trials = OwnTrials(self.settings, LIMITS)
        self.publisher = Publisher(self.models, Registry(str(folder)), "stable", lambda: 1, trials=trials)
        self.followers = [
            ModelFollower(self.settings.broker, str(folder), prefix=prefix, follower_id=f"consumer-{number}")
            for number in range(N_FOLLOWERS)
        ]
        self.stop = threading.Event()
        self.failures: list[BaseException] = []
        self.threads = [
            threading.Thread(target=self.embed, args=(one, place)) for place, one in enumerate(self.followers)
        ]

    def embed(self, follower: ModelFollower, seed: int) -> None:
        """What a consumer does; no trial may make it fail."""
        with follower:
            while not self.stop.wait(0.01):
                seed += N_FOLLOWERS
                if follower.version:
                    try:
                        follower.embed(unlike_windows(2, seed))
                    except Exception as error:
                        self.failures.append(error)

    def publish(self, version: int, change: float) -> None:
        """Version 1's encoders with noise, of `change` times the weights; NaN makes all rows alike."""
        rng, first = np.random.default_rng(version), bundle(1)
        weights = {
            modality: {
                name: (
                    values * (0 if np.isnan(change) and name == "head.2.weight" else 1)
                    + np.nan_to_num(change) * values.std() * rng.normal(size=values.shape)
                ).astype(np.float32)
                for name, values in arrays.items()
            }
            for modality, arrays in first.weights.items()
        }
        manifest = msgspec.structs.replace(first.manifest, version=version)
        decision = Decision(version=version, passed=True, reason="because")
        assert self.publisher.announce(Candidate(ModelBundle(manifest, weights), decision)) == version

    def wait_for(self, version: int) -> None:
        wait_until(
            lambda: all(one.version == version for one in self.followers),
            60,
            told=lambda: f"{[one.version for one in self.followers]}, {self.models.refresh().channels}",
        )

    def last(self, channel: str) -> ChannelMove:
        return self.models.refresh().history(channel)[-1]


@pytest.fixture
def fleet(any_broker: Broker, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fleet]:
    monkeypatch.setattr("trainer.rollout.roller.LOOK_S", 0.5)
    # However slow the machine is, the trial ends by what the consumers say.
    monkeypatch.setattr("trainer.rollout.verdict.LONGEST_IN_TRIALS", 1e3)
    monkeypatch.setattr("streams.models.reporting.TRIAL_REPORT_EVERY_S", 0.5)
    made = Fleet(any_broker, prefix, tmp_path)
    with rolling(made.settings, LIMITS, TrainerMetrics(CollectorRegistry()), lambda: True):
        for thread in made.threads:
            thread.start()
        yield made
        made.stop.set()
        for thread in made.threads:
            thread.join(20)
    made.models.close()


def test_a_good_version_rolls_out_by_itself_and_a_bad_one_rolls_back(fleet: Fleet) -> None:
    fleet.publish(1, 0)
    fleet.wait_for(1)

    fleet.publish(2, 0.05)
    assert fleet.models.refresh().channels == {"canary": 2, "candidate": 2, "stable": 1}
    fleet.wait_for(2)
    assert fleet.last("stable").by == "roller"
    assert fleet.last("stable").reason.startswith("passed its trial: ")

    fleet.publish(3, float("nan"))
    wait_until(lambda: fleet.last(CANARY).seq == 4, 60, told=lambda: str(fleet.last(CANARY)), every_s=0.3)
    assert (fleet.last(CANARY).version, fleet.last(CANARY).by) == (0, "roller")
    assert fleet.last(CANARY).reason.startswith("version 3 rolled back: ") and "alike" in fleet.last(CANARY).reason
    assert {one.version for one in fleet.followers} == {2} and fleet.models.refresh().channels["stable"] == 2
    assert fleet.failures == []
