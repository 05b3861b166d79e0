"""A service's /metrics, /healthz and /readyz over HTTP, in a thread of its own."""

import errno
import threading
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeAlias

import msgspec
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from encoders.errors import MmbindError

Check: TypeAlias = Callable[[], Sequence[str]]


class PortTaken(MmbindError, OSError):  # noqa: N818 - it says what is so
    """Another process listens there; the message names port and setting."""


def no_complaint() -> Sequence[str]:
    """A check that always passes."""
    return ()


class HealthServer:
    """Serves the metrics of `registry` and the word of two checks, from `start` to `stop`.

    A check returns why not, an empty sequence meaning yes: then the answer is 200, else 503, with the reasons in JSON.
    A check that raises counts as a reason too. `notes` are said with the readiness, and change nothing.

    Args:
        port: 0 picks a free one; `.port` tells.
        setting: The name of the port's setting, for the message when the port is taken.

    Raises:
        PortTaken: If the port is in use.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        setting: str = "port",
        healthy: Check = no_complaint,
        ready: Check = no_complaint,
        notes: Check = no_complaint,
    ) -> None:
        try:
            self._server = _Server((host, port), _Handler)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            raise PortTaken(
                f"port {port} on {host} is taken: set {setting} to another one, or to 0 to have a free one picked"
            ) from error
        self._server.registry = registry
        self._server.checks = {"/healthz": healthy, "/readyz": ready}
        self._server.notes = notes
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="health", daemon=True)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Answers from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Answers no more; the port is free afterwards."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def __enter__(self) -> "HealthServer":
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    registry: CollectorRegistry
    checks: dict[str, Check]
    notes: Check


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 10.0

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/metrics":
            encode, content_type = choose_encoder(self.headers.get("Accept", ""))
            self._answer(200, content_type, encode(self.server.registry))
        elif path in self.server.checks:
            reasons = _reasons(self.server.checks[path])
            answer: dict[str, object] = {"ok": not reasons, "reasons": reasons}
            if path == "/readyz" and (notes := _reasons(self.server.notes)):
                answer["notes"] = notes
            self._answer(503 if reasons else 200, "application/json", msgspec.json.encode(answer))
        else:
            self._answer(404, "text/plain", b"try /metrics, /healthz or /readyz\n")

    def log_message(self, format: str, *args: object) -> None:
        """A scrape is not worth a line."""

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _reasons(check: Check) -> list[str]:
    try:
        return list(check())
    except Exception as error:  # whatever a check does, the answer is "not well, and this is why"
        return [f"the check failed: {type(error).__name__}: {error}"]
