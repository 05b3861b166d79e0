"""A server on this machine that speaks the protocol of S3, for tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.request import Request, urlopen

import boto3
import fsspec
import pytest
from moto.server import ThreadedMotoServer

NAME = "models"
# Of the environment: what s3fs and boto3 look there for.
VARIABLES = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


class Bucket:
    """One bucket of a server that is up until `stop`."""

    def __init__(self) -> None:
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._server.start()
        host, port = self._server.get_host_and_port()
        self.endpoint = f"http://{host}:{port}"
        # Servers of one process share what they hold.
        with urlopen(Request(f"{self.endpoint}/moto-api/reset", method="POST")):
            pass
        self.client = boto3.client("s3", endpoint_url=self.endpoint)
        self.client.create_bucket(Bucket=NAME)

    def names(self) -> list[str]:
        """Of all objects."""
        return sorted(one["Key"] for one in self.client.list_objects_v2(Bucket=NAME).get("Contents", []))

    def stop(self) -> None:
        """The bucket is away."""
        self._server.stop()


@contextmanager
def bucket_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """A bucket to which the environment leads, with nothing in it."""
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    bucket = Bucket()
    monkeypatch.setenv("AWS_ENDPOINT_URL", bucket.endpoint)
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    try:
        yield bucket
    finally:
        bucket.client.close()
        bucket.stop()
        fsspec.get_filesystem_class("s3").clear_instance_cache()
