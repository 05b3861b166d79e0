import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import msgspec
import numpy as np
import pytest
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient

from deploy.machine.brokers import Broker
from encoders.bundle import ModelBundle
from encoders.manifest import ModelManifest
from encoders.modality import ModalitySpec
from encoders.nets import Encoder, encoder_weights
from encoders.scaling import fit_scaling
from streams.broker.connection import producer_config
from streams.broker.log import read_all
from streams.follower import ModelFollower, NoModelYet
from streams.models.channels import ChannelView, move_record, version_record
from streams.models.log import MemoryModelLog, ModelRecord
from streams.models.registry import Registry
from streams.models.watch import ModelWatch
from streams.records import FollowerReport, Sample
from streams.settings import BrokerSettings

SPECS = tuple(ModalitySpec(name=name, n_channels=3, n_steps=32, rate_hz=50) for name in ("gravity", "gyroscope"))
DIM = 8
TOPICS = ("models", "followers")


def bundle(version: int) -> ModelBundle:
    manifest = ModelManifest(
        version=version, parent=version - 1, created_ns=1, modalities=SPECS, shared_modality="gravity", dim=DIM
    )
    weights: dict[str, Mapping[str, np.ndarray]] = {}
    for place, spec in enumerate(SPECS):
        arrays = encoder_weights(Encoder(spec, DIM, 8))
        rng = np.random.default_rng((version, place))
        weights[spec.name] = {
            name: rng.normal(0, 0.3, array.shape).astype(np.float32) for name, array in arrays.items()
        }
    return ModelBundle(manifest, weights)


def windows(n: int = 5) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    return {spec.name: rng.normal(size=(n, spec.n_steps, spec.n_channels)).astype(np.float32) for spec in SPECS}


class World:
    """A registry, a log, a clock that is moved by hand, and a watch that is stepped by hand."""

    def __init__(self, root: Path, **options: object) -> None:
        self.root, self.log, self.view = root, MemoryModelLog(), ChannelView()
        self.registry = Registry(str(root))
        self.delivered: list[int] = []
        self.now_s = 0.0
        self.broken = False
        self.watch = ModelWatch(
            self.log,
            self.registry,
            self.deliver,
            follower_id="me",
            now_s=lambda: self.now_s,
            **options,  # type: ignore[arg-type]
        )
        self._offset = 0

    def deliver(self, manifest: ModelManifest | None, _bundle: ModelBundle | None) -> None:
        if self.broken:
            raise RuntimeError("does not load")
        self.delivered.append(manifest.version if manifest else 0)

    def take(self, key: bytes, value: bytes | None) -> None:
        self.view.apply(key, value, self._offset)
        self.watch.follow(ModelRecord(key, value, self._offset))
        self._offset += 1

    def idle(self) -> None:
        self.watch.follow(None)

    def publish(self, version: int) -> None:
        self.take(*version_record(self.registry.publish(bundle(version))))

    def promote(self, version: int, channel: str = "stable") -> None:
        self.take(*move_record(self.view, channel, version, "better", "test", 1))

    def file(self, version: int, modality: str = "gyroscope") -> Path:
        return self.root / f"v{version}" / f"{modality}.safetensors"


def test_a_published_version_is_not_delivered_before_the_channel_points_at_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.idle()
    world.publish(1)
    assert world.delivered == []
    world.promote(1)
    assert (world.delivered, world.watch.version, world.watch.swaps) == ([1], 1, 1)


def test_versions_of_the_past_are_passed_over_on_start(tmp_path: Path) -> None:
    world = World(tmp_path)
    for version in (1, 2, 3):
        world.publish(version)
        world.promote(version)
    world.idle()
    assert world.delivered == [3]


def test_another_channel_is_no_business_of_ours(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.idle()
    world.publish(1)
    world.promote(1, channel="candidate")
    assert world.delivered == []


def test_rolls_back_to_a_version_and_to_none(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.idle()
    for version in (1, 2):
        world.publish(version)
        world.promote(version)
    world.promote(1)
    world.promote(0)
    assert world.delivered == [1, 2, 1, 0]


def test_a_damaged_file_keeps_the_old_model_and_is_counted(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.idle()
    world.publish(1)
    world.promote(1)
    world.publish(2)
    good = world.file(2).read_bytes()
    world.file(2).write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    world.promote(2)
    assert (world.watch.version, world.watch.failures) == (1, 1)
    assert "v2/gyroscope.safetensors: wanted sha256" in world.watch.last_error


def test_a_damaged_file_is_not_tried_again_before_it_is_announced_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.idle()
    world.publish(1)
    good = world.file(1).read_bytes()
    world.file(1).write_bytes(b"\x00" * len(good))
    world.promote(1)
    world.now_s += 1e6
    world.idle()
    assert world.watch.failures == 1
    world.file(1).write_bytes(good)
    world.publish(1)
    assert world.delivered == [1]


def test_a_missing_file_is_tried_again_after_a_while_and_then_less_often(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.idle()
    world.publish(1)
    away = world.file(1).rename(tmp_path / "away")
    world.promote(1)
    attempts = []
    for second in range(1, 16):
        world.now_s = float(second)
        world.idle()
        attempts.append(world.watch.failures)
    # Tried at 0, after 1 s, after 2 more, 4 more, 8 more.
    assert attempts == [2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 5]
    away.rename(world.file(1))
    world.now_s += 16
    world.idle()
    assert (world.delivered, world.watch.last_error) == ([1], "")


def test_a_model_that_does_not_load_keeps_the_old_one(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.idle()
    world.publish(1)
    world.broken = True
    world.promote(1)
    assert (world.watch.version, world.watch.failures) == (0, 1)
    assert "does not load" in world.watch.last_error


def test_a_version_without_a_manifest_keeps_the_old_one(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.idle()
    world.promote(7)
    assert "never announced" in world.watch.last_error


def test_an_unknown_modality_keeps_the_old_one(tmp_path: Path) -> None:
    world = World(tmp_path, modalities=["radar"])
    world.idle()
    world.publish(1)
    world.promote(1)
    assert "radar" in world.watch.last_error


def test_windows_of_another_shape_than_ours_keep_the_old_one(tmp_path: Path) -> None:
    ours = ModalitySpec(name="gravity", n_channels=3, n_steps=64, rate_hz=50)
    world = World(tmp_path, specs={"gravity": ours})
    world.idle()
    world.publish(1)
    world.promote(1)
    assert (world.watch.version, world.watch.failures) == (0, 1)
    assert "as in our settings" in world.watch.last_error


def test_only_the_files_of_the_wanted_modalities_are_needed(tmp_path: Path) -> None:
    world = World(tmp_path, modalities=["gravity"])
    world.idle()
    world.publish(1)
    world.file(1, "gyroscope").unlink()
    world.promote(1)
    assert world.delivered == [1]


def test_reports_what_it_runs_after_each_change_and_once_a_minute(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.idle()
    world.publish(1)
    world.promote(1)
    world.idle()
    assert [report.version for report in world.log.reports] == [0, 1]
    world.now_s += 61
    world.idle()
    assert [report.version for report in world.log.reports] == [0, 1, 1]
    assert world.log.reports[-1].details == {"channel": "stable"}


def test_is_not_well_before_the_topic_is_read_to_its_end(tmp_path: Path) -> None:
    world = World(tmp_path)
    assert world.watch.complaints() == ["the models topic is not read to its end yet"]
    world.idle()
    assert world.watch.complaints() == []


def test_is_not_well_after_its_thread_died(tmp_path: Path) -> None:
    class Broken(MemoryModelLog):
        def records(self, stop: threading.Event) -> Iterator[ModelRecord | None]:
            yield None
            raise RuntimeError("unforeseen")

    watch = ModelWatch(Broken(), Registry(str(tmp_path)), lambda manifest, bundle: None)
    watch.start()
    watch._thread.join(10)
    assert watch.complaints() == ["models are not followed any more: RuntimeError: unforeseen"]


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


def test_the_fused_embedding_is_the_mean_of_the_unit_embeddings_made_unit_length(
    published: tuple[MemoryModelLog, str],
) -> None:
    log, root = published
    with ModelFollower(root=root, models=log) as follower:
        assert follower.wait_for(1, timeout_s=30)
        model, given = follower.model, windows()
    mean = (model.embed({"gravity": given["gravity"]}) + model.embed({"gyroscope": given["gyroscope"]})) / 2
    np.testing.assert_allclose(
        model.embed(given), mean / np.linalg.norm(mean, axis=1, keepdims=True), rtol=1e-4, atol=1e-6
    )


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


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "at least one modality"),
        ({"radar": np.zeros((1, 2, 2), np.float32)}, r"not for \['radar'\]"),
        ({"gravity": windows(1)["gravity"], "gyroscope": windows(2)["gyroscope"]}, "rows differ"),
        ({"gravity": np.zeros((1, 5, 3), np.float32)}, "shape"),
    ],
)
def test_says_why_windows_cannot_be_embedded(
    published: tuple[MemoryModelLog, str], given: dict[str, np.ndarray], words: str
) -> None:
    log, root = published
    with ModelFollower(root=root, models=log) as follower:
        assert follower.wait_for(1, timeout_s=30)
        with pytest.raises(ValueError, match=words):
            follower.embed(given)


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
