"""What worker and trainer say of themselves over HTTP, where this machine can ask them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPException

from deploy.demo.services import not_ready, precision_estimate, scrape
from streams.precision.figures import PrecisionEstimate
from streams.settings import RuntimeSettings


@dataclass(frozen=True, slots=True)
class Page:
    """One service's metrics, and why it is not ready. Without an address nobody can ask; silent, it does not answer."""

    address: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()

    @property
    def answers(self) -> bool:
        """Whether it says anything."""
        return bool(self.metrics)

    @property
    def is_silent(self) -> bool:
        """Whether it was asked and does not answer."""
        return bool(self.address) and not self.metrics

    @property
    def word(self) -> str:
        """How it is."""
        if not self.address:
            return "not asked"
        return "no answer" if self.is_silent else "not ready" if self.reasons else "ready"

    def total(self, name: str) -> int:
        """Of a metric over all its labels."""
        return round(sum(n for key, n in self.metrics.items() if key == name or key.startswith(name + "{")))

    def labelled(self, name: str, label: str, value: str) -> int:
        """Of a metric with one label."""
        return round(self.metrics.get(f'{name}{{{label}="{value}"}}', 0))

    @property
    def lag(self) -> int:
        """Messages that it has not worked off."""
        return self.total("mmbind_lag_records")

    @property
    def precision(self) -> PrecisionEstimate:
        """A worker's estimate."""
        return precision_estimate(self.metrics)


def ask(runtime: RuntimeSettings, port: int) -> Page:
    """The page of a service; 0 is a port that nobody knows."""
    if not port:
        return Page()
    host = "127.0.0.1" if runtime.metrics_host in ("0.0.0.0", "::", "") else runtime.metrics_host
    try:
        metrics = scrape(port, host)
        return Page(f"{host}:{port}", metrics, tuple(not_ready(port, host)) if metrics else ())
    except (ValueError, KeyError, OSError, HTTPException):
        return Page(f"{host}:{port}")  # somebody else listens there
