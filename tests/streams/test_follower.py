from contextlib import closing
from pathlib import Path

import msgspec
import numpy as np
import pytest
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient

from deploy.machine.brokers import Broker
from encoders.scaling import fit_scaling
from streams.broker.connection import producer_config
from streams.broker.log import read_all
from streams.features import FeatureMaker
from streams.follower import ModelFollower, NoModelYet
from streams.models.channels import ChannelView, move_record, version_record
from streams.models.log import MemoryModelLog
from streams.models.registry import Registry
from streams.records import FollowerReport, Sample
from streams.settings import BrokerSettings
from tests.support.models import DIM, bundle, windows

TOPICS = ("models", "followers")


@pytest.fixture
def published(tmp_path: Path) -> tuple[MemoryModelLog, str]:
    """A log in which version 1 is stable."""
    log, root = MemoryModelLog(), str(tmp_path / "models")
    log.append(*version_record(Registry(root).publish(bundle(1))))
    log.append(*move_record(ChannelView(), "stable", 1, "first", "test", 1))
    return log, root


def promote(log: MemoryModelLog, root: str, version: int) -> None:
    view = ChannelView()
    for record in list(log._records):
        view.apply(*record)
    log.append(*version_record(Registry(root).publish(bundle(version))))
    log.append(*move_record(view, "stable", version, "better", "test", 1))


def test_there_is_nothing_to_embed_with_before_the_first_model(tmp_path: Path) -> None:
    follower = ModelFollower(root=str(tmp_path), models=MemoryModelLog())
    with pytest.raises(NoModelYet):
        follower.embed(windows())
    with pytest.raises(NoModelYet):
        follower.features(windows(), {})


def test_embeds_with_the_stable_version_and_swaps_to_the_next(published: tuple[MemoryModelLog, str]) -> None:
    log, root = published
    swaps: list[tuple[int, int]] = []
    with ModelFollower(root=root, models=log, on_swap=lambda old, new: swaps.append((old, new))) as follower:
        assert follower.wait_for(1, timeout_s=30)
        first = follower.embed(windows())
        promote(log, root, 2)
        assert follower.wait_for(2, timeout_s=30)
        second = follower.embed(windows())
    assert swaps == [(0, 1), (1, 2)]
    assert first.shape == second.shape == (5, DIM)
    assert not np.allclose(first, second)
    np.testing.assert_allclose(np.linalg.norm(second, axis=1), 1, rtol=1e-5)


def test_embeds_a_sample_with_its_own_scaling(published: tuple[MemoryModelLog, str]) -> None:
    log, root = published
    raw = {name: 3 * values[0] + 7 for name, values in windows().items()}
    scaling = {name: fit_scaling(values[None]) for name, values in raw.items()}
    other = {"radar": np.zeros((2, 2), np.float32)}
    sample = Sample(sample_id="a@1", source_id="a", start_ns=0, windows=raw | other, scaling=scaling)
    with ModelFollower(root=root, models=log) as follower:
        assert follower.wait_for(1, timeout_s=30)
        expected = follower.embed({name: values[None] for name, values in raw.items()}, scaling)[0]
        np.testing.assert_array_equal(follower.embed_sample(sample), expected)


def test_features_are_those_of_the_present_version(published: tuple[MemoryModelLog, str]) -> None:
    log, root = published
    scaling = {name: fit_scaling(values) for name, values in windows().items()}
    found = []
    with ModelFollower(root=root, models=log) as follower:
        for version in (1, 2):
            assert follower.wait_for(version, timeout_s=30)
            found.append(follower.features(windows(), scaling))
            np.testing.assert_array_equal(found[-1], FeatureMaker(follower.model).of_source(windows(), scaling))
            if version == 1:
                promote(log, root, 2)
    assert not np.allclose(found[0], found[1])


def test_features_of_a_sample_are_of_what_has_an_encoder(published: tuple[MemoryModelLog, str]) -> None:
    log, root = published
    raw, scaling = windows(1)["gyroscope"], {"gyroscope": fit_scaling(windows()["gyroscope"])}
    held = {"gyroscope": raw[0], "radar": np.zeros((2, 2), np.float32)}
    sample = Sample(sample_id="a@1", source_id="a", start_ns=0, windows=held, scaling=scaling)
    with ModelFollower(root=root, models=log) as follower:
        assert follower.wait_for(1, timeout_s=30)
        expected = follower.features({"gyroscope": raw}, scaling)[0]
        np.testing.assert_array_equal(follower.features_of_sample(sample), expected)


def test_a_failing_on_swap_does_not_stop_the_following(published: tuple[MemoryModelLog, str]) -> None:
    def broken(old: int, new: int) -> None:
        raise RuntimeError("the user's own")

    log, root = published
    with ModelFollower(root=root, models=log, on_swap=broken) as follower:
        assert follower.wait_for(1, timeout_s=30)
        promote(log, root, 2)
        assert follower.wait_for(2, timeout_s=30)
    assert follower.failures == 0


def test_follows_a_real_broker_and_reports_to_it(broker: Broker, prefix: str, tmp_path: Path) -> None:
    settings, root = BrokerSettings(bootstrap_servers=broker.bootstrap_servers), str(tmp_path / "models")
    with closing(KafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)) as admin:
        admin.create_topics({f"{prefix}{name}": {"num_partitions": 1, "replication_factor": 1} for name in TOPICS})
    view = ChannelView()
    with (
        closing(KafkaProducer(**producer_config(settings))) as producer,
        ModelFollower(broker.bootstrap_servers, root, prefix=prefix, follower_id="user-1") as follower,
    ):
        for version in (1, 2):
            announce = version_record(Registry(root).publish(bundle(version)))
            move = move_record(view, "stable", version, "better", "test", 1)
            for offset, (key, value) in enumerate((announce, move)):
                view.apply(key, value, offset)
                producer.send(f"{prefix}models", key=key, value=value).get(timeout=20)
            assert follower.wait_for(version, timeout_s=30)
        assert follower.embed(windows()).shape == (5, DIM)
    reports = [
        msgspec.json.decode(one.value or b"", type=FollowerReport) for one in read_all(settings, f"{prefix}followers")
    ]
    assert [(one.follower_id, one.version) for one in reports][-1] == ("user-1", 2)
