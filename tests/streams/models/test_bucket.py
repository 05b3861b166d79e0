"""The registry in a bucket, on a server that speaks S3: the same promises as in a folder."""

import threading
from collections.abc import Iterator
from pathlib import Path

import fsspec
import numpy as np
import pytest
from msgspec.json import encode
from msgspec.structs import replace

from encoders.bundle import BundleConflict, BundleError, ModelBundle
from streams.models.registry import Registry, RegistryAway
from streams.records import Decision
from tests.support.bucket import NAME, Bucket, bucket_server
from tests.support.models import bundle
from trainer.candidate import Candidate
from trainer.topics.models import MemoryModels
from trainer.topics.publishing import Publisher

ROOT = f"s3://{NAME}/registry"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    with bucket_server(monkeypatch) as found:
        yield found


def test_what_was_published_is_fetched_bit_by_bit(bucket: Bucket) -> None:
    manifest = Registry(ROOT).publish(bundle(1))
    assert bucket.names() == [
        f"registry/v1/{name}" for name in ("README.md", "gravity.safetensors", "gyroscope.safetensors", "manifest.json")
    ]
    fetched = Registry(ROOT).fetch(manifest)
    for modality, arrays in bundle(1).weights.items():
        for name, array in arrays.items():
            np.testing.assert_array_equal(fetched.weights[modality][name], array)
    assert Registry(ROOT).publish(bundle(1)) == manifest


def test_a_version_never_changes(bucket: Bucket) -> None:
    Registry(ROOT).publish(bundle(1))
    other = bundle(2)
    with pytest.raises(BundleConflict, match="version 1"):
        Registry(ROOT).publish(ModelBundle(replace(other.manifest, version=1), other.weights))


def test_a_damaged_file_is_named_and_a_missing_one_too(bucket: Bucket) -> None:
    manifest, key = Registry(ROOT).publish(bundle(1)), "registry/v1/gravity.safetensors"
    data = bytearray(bucket.client.get_object(Bucket=NAME, Key=key)["Body"].read())
    data[-1] ^= 1
    bucket.client.put_object(Bucket=NAME, Key=key, Body=bytes(data))
    with pytest.raises(BundleError, match=r"version 1, v1/gravity.safetensors: wanted sha256"):
        Registry(ROOT).fetch(manifest)
    bucket.client.put_object(Bucket=NAME, Key=key, Body=bytes(data) + b"more")
    with pytest.raises(BundleError, match=r"v1/gravity.safetensors: wanted \d+ bytes, got \d+ bytes"):
        Registry(ROOT).fetch(manifest)
    bucket.client.delete_object(Bucket=NAME, Key=key)
    with pytest.raises(BundleError, match=r"v1/gravity.safetensors: wanted a readable file"):
        Registry(ROOT).fetch(manifest)


def test_one_that_has_looked_before_sees_what_others_publish_later(bucket: Bucket) -> None:
    """Others, with another client: nothing in this process knows of it."""
    follower = Registry(ROOT)
    assert follower.newest() is None
    first = Registry(ROOT).publish(bundle(1))
    assert follower.newest() == first
    later = replace(first, version=11)
    bucket.client.put_object(Bucket=NAME, Key="registry/v11/manifest.json", Body=encode(later))
    assert follower.newest() == later
    bucket.client.delete_object(Bucket=NAME, Key="registry/v11/manifest.json")
    assert follower.newest() == first and follower.fetch(first).weights


def candidate(version: int = 1) -> Candidate:
    decision = Decision(version=version, passed=True, reason="first")
    return Candidate(bundle(version), decision, True)


def test_nothing_is_announced_that_cannot_be_read_back(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    models, registry = MemoryModels(), Registry(ROOT)
    publisher = Publisher(models, registry, "stable", lambda: 7)
    pipe_file = registry._store.pipe_file

    def loses(path: str, data: bytes) -> None:
        if not path.endswith("gyroscope.safetensors"):
            pipe_file(path, data)

    monkeypatch.setattr(registry._store, "pipe_file", loses)
    with pytest.raises(BundleError, match=r"v1/gyroscope.safetensors: wanted a readable file"):
        publisher.announce(candidate())
    assert models.view.newest is None
    monkeypatch.undo()


def test_a_bucket_that_is_away_is_to_be_tried_again(bucket: Bucket) -> None:
    manifest = Registry(ROOT).publish(bundle(1))
    bucket.stop()
    with pytest.raises(RegistryAway, match=NAME):
        Registry(ROOT).publish(bundle(2))
    with pytest.raises(BundleError) as told:
        Registry(ROOT).fetch(manifest)
    assert isinstance(told.value.__cause__, RegistryAway)


def test_a_bucket_that_is_not_there_is_not_made(bucket: Bucket) -> None:
    with pytest.raises(RegistryAway, match=r"^nowhere/models/v1/.*"):
        Registry("s3://nowhere/models").publish(bundle(1))
    assert [one["Name"] for one in bucket.client.list_buckets()["Buckets"]] == [NAME]
    assert Registry("s3://nowhere/models").newest() is None


def test_no_credentials_are_one_sentence(bucket: Bucket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    with pytest.raises(RegistryAway) as told:
        Registry(ROOT).publish(bundle(1))
    assert "credentials" in str(told.value) and "\n" not in str(told.value)


def test_several_threads_may_fetch(bucket: Bucket) -> None:
    registry, found = Registry(ROOT), []
    manifest = registry.publish(bundle(1))
    threads = [threading.Thread(target=lambda: found.append(registry.fetch(manifest))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(found) == 4
