"""What an embedder counts and measures. The registry is an argument; labels never hold ids."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics

from streams.worker.metrics import STEP_SECONDS, WatchCollector, Watched

OUTCOMES = ("embedded", "no-encoder", "unusable")


class EmbedMetrics:
    """An embedder's metrics, all of them there from the start, at 0.

    Args:
        registry: One for each service; it also gets the process's memory, CPU and file figures.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        ProcessCollector(registry=registry)
        self._registry = registry
        self.samples = Counter(
            "mmbind_embedder_samples",
            "Samples read, by what became of them: unusable ones, also of forgotten sources, are passed over.",
            ["outcome"],
            registry=registry,
        )
        for outcome in OUTCOMES:
            self.samples.labels(outcome)
        self.seconds = Histogram(
            "mmbind_embedder_seconds", "Embedding a micro-batch.", buckets=STEP_SECONDS, registry=registry
        )
        self.lag = Gauge("mmbind_embedder_lag_records", "Messages of samples not yet embedded.", registry=registry)
        self.broker_connected = Gauge("mmbind_broker_connected", "1 while the broker can be used.", registry=registry)

    def watch_models(self, watch: Watched) -> None:
        """Adds what a ModelFollower counts."""
        self._registry.register(WatchCollector(watch))
