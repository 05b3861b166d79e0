"""What the bridge counts, read when it is asked for. The registry is an argument; labels never hold ids."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import get_args

from prometheus_client import CollectorRegistry, ProcessCollector, disable_created_metrics
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from streams.messages.rejects import Reason


@dataclass(frozen=True, slots=True)
class BridgeFigures:
    """What a bridge has done so far; `windows` by modality, `refused` by reason, `last_message_s` a Unix time or 0."""

    n_messages: int = 0
    n_samples: int = 0
    windows: Mapping[str, int] = field(default_factory=dict)
    refused: Mapping[str, int] = field(default_factory=dict)
    n_lost: int = 0
    last_message_s: float = 0.0
    n_connections: int = 0
    is_connected: bool = False
    reaches_kafka: bool = False


class BridgeMetrics(Collector):
    """The bridge's metrics, all of them there from the start, at 0.

    Args:
        registry: One for each service; it also gets the process's memory, CPU and file figures.
        modalities: Names for the label of that name.
        figures: Asked at every scrape.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        modalities: Mapping[str, object] | tuple[str, ...],
        figures: Callable[[], BridgeFigures] = BridgeFigures,
    ) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        ProcessCollector(registry=registry)
        self._modalities, self._figures = tuple(modalities), figures
        registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """All of them, as they are now."""
        now = self._figures()
        yield CounterMetricFamily("mmbind_bridge_messages", "Messages from the MQTT broker.", value=now.n_messages)
        yield CounterMetricFamily("mmbind_bridge_samples", "Samples in them that were read.", value=now.n_samples)
        yield _by("modality", self._modalities, now.windows, "mmbind_bridge_windows", "Windows sent to Kafka.")
        yield _by(
            "reason",
            get_args(Reason),
            now.refused,
            "mmbind_bridge_refused",
            "Messages, or sensors in them, that could not be read.",
        )
        yield CounterMetricFamily("mmbind_bridge_lost_windows", "Windows that Kafka did not take.", value=now.n_lost)
        yield GaugeMetricFamily(
            "mmbind_bridge_last_message_timestamp_seconds",
            "Unix time at which the last message came; 0 before.",
            value=now.last_message_s,
        )
        yield CounterMetricFamily(
            "mmbind_bridge_connections",
            "Times that the MQTT broker let the bridge in: once, and once after each break.",
            value=now.n_connections,
        )
        yield GaugeMetricFamily(
            "mmbind_bridge_connected", "1 while the MQTT broker can be used.", value=float(now.is_connected)
        )
        yield GaugeMetricFamily(
            "mmbind_broker_connected", "1 while the broker can be used.", value=float(now.reaches_kafka)
        )


def _by(label: str, names: tuple[str, ...], counts: Mapping[str, int], name: str, told: str) -> CounterMetricFamily:
    family = CounterMetricFamily(name, told, labels=[label])
    for one in names:
        family.add_metric([one], counts.get(one, 0))
    return family
