import json
import urllib.error
import urllib.request
from collections.abc import Sequence

import pytest
from prometheus_client import CollectorRegistry, Counter

from streams.service.health import HealthServer, PortTaken


def get(server: HealthServer, path: str, accept: str = "") -> tuple[int, str, str]:
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}{path}", headers={"Accept": accept})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Content-Type"], error.read().decode()


def registry() -> CollectorRegistry:
    made = CollectorRegistry()
    Counter("mmbind_windows", "Windows in.", registry=made).inc(3)
    return made


def test_serves_the_metrics_of_its_registry() -> None:
    with HealthServer(registry()) as server:
        status, content_type, body = get(server, "/metrics")
    assert status == 200
    assert content_type.startswith("text/plain")
    assert "mmbind_windows_total 3.0" in body


def test_speaks_openmetrics_to_who_asks_for_it() -> None:
    with HealthServer(registry()) as server:
        _, content_type, body = get(server, "/metrics", "application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text")
    assert body.endswith("# EOF\n")


def test_is_well_while_no_check_complains() -> None:
    with HealthServer(registry()) as server:
        assert json.loads(get(server, "/healthz")[2]) == {"ok": True, "reasons": []}


def test_says_why_it_is_not_ready() -> None:
    with HealthServer(registry(), ready=lambda: ["no partitions yet", "the broker is away"]) as server:
        status, _, body = get(server, "/readyz")
    assert status == 503
    assert json.loads(body)["reasons"] == ["no partitions yet", "the broker is away"]


def test_says_what_is_to_be_known_of_a_service_that_is_ready() -> None:
    with HealthServer(registry(), notes=lambda: ["stands by"]) as server:
        status, _, body = get(server, "/readyz")
        assert "notes" not in json.loads(get(server, "/healthz")[2])
    assert status == 200
    assert json.loads(body) == {"ok": True, "reasons": [], "notes": ["stands by"]}


def test_a_check_that_fails_is_a_reason() -> None:
    def broken() -> Sequence[str]:
        raise RuntimeError("disk gone")

    with HealthServer(registry(), healthy=broken) as server:
        status, _, body = get(server, "/healthz")
    assert status == 503
    assert "RuntimeError: disk gone" in body


def test_names_the_three_paths_when_asked_for_another() -> None:
    with HealthServer(registry()) as server:
        assert get(server, "/")[0] == 404


def test_a_taken_port_is_named_with_its_setting() -> None:
    with (
        HealthServer(registry()) as server,
        pytest.raises(PortTaken, match=rf"port {server.port} .* set runtime\.stream_port"),
    ):
        HealthServer(registry(), port=server.port, setting="runtime.stream_port")


def test_frees_its_port_when_stopped() -> None:
    first = HealthServer(registry())
    first.start()
    first.stop()
    with HealthServer(registry(), port=first.port) as second:
        assert get(second, "/healthz")[0] == 200
