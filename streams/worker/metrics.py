"""What a worker counts and measures. The registry is an argument; labels never hold ids."""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from streams.intake.node_watch import Kind
from streams.messages.rejects import Reason
from streams.precision.figures import Control, PrecisionEstimate, State
from streams.records import OUTCOMES
from streams.worker.bind_counts import BindCounts

SIMILARITY_BUCKETS = (-0.5, -0.25, 0.0, *(tenth / 10 for tenth in range(1, 10)), 0.95, 1.0)
STEP_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
REBUILD_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0)


class StreamMetrics:
    """A worker's metrics, all of them there from the start, at 0.

    Args:
        registry: One for each service; it also gets the process's memory, CPU and file figures.
        modalities: Names for the label of that name.
        code_version: Of the running code.
    """

    def __init__(self, registry: CollectorRegistry, modalities: Iterable[str] = (), code_version: str = "") -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        ProcessCollector(registry=registry)
        self._version: int | None = None
        self._registry = registry
        self._ingest(registry, tuple(modalities))
        self._catching_up(registry)
        self._binding(registry)
        self._precision(registry)
        self._index(registry)
        build = Gauge("mmbind_build_info", "The running code; always 1.", ["version"], registry=registry)
        build.labels(code_version).set(1)
        self.lag = Gauge(
            "mmbind_lag_records",
            "Messages of a partition not yet worked off.",
            ["topic", "partition"],
            registry=registry,
        )
        self.broker_connected = Gauge("mmbind_broker_connected", "1 while the broker can be used.", registry=registry)

    def _ingest(self, registry: CollectorRegistry, modalities: tuple[str, ...]) -> None:
        self.messages = Counter("mmbind_messages", "Messages with windows that were read.", registry=registry)
        self.windows = Counter("mmbind_windows", "Valid windows read.", ["modality"], registry=registry)
        self.rejects = Counter("mmbind_rejects", "Records refused.", ["reason"], registry=registry)
        self.duplicates = Counter(
            "mmbind_duplicates", "Windows or samples that came again.", ["record"], registry=registry
        )
        self.samples = Counter("mmbind_samples", "Samples assembled, late ones included.", registry=registry)
        self.late = Counter("mmbind_late_samples", "Samples of a window that came after its grace.", registry=registry)
        self.split_sources = Counter(
            "mmbind_split_sources",
            "Sources seen in two partitions: a producer with another partitioner.",
            registry=registry,
        )
        self.waiting = Gauge("mmbind_waiting_windows", "Windows that wait for their companions.", registry=registry)
        for modality in modalities:
            self.windows.labels(modality)
        for reason in get_args(Reason):
            self.rejects.labels(reason)
        for record in ("window", "sample"):
            self.duplicates.labels(record)

    def _catching_up(self, registry: CollectorRegistry) -> None:
        self.doubtful = Counter(
            "mmbind_doubtful_sources",
            "Nodes that send what cannot be right; the log names them.",
            ["doubt"],
            registry=registry,
        )
        for kind in get_args(Kind):
            self.doubtful.labels(kind)
        self.unassigned_seconds = Counter(
            "mmbind_unassigned_seconds",
            "Time in which nothing was bound, since partitions were given out anew or history was read back.",
            registry=registry,
        )
        self.paused = Gauge(
            "mmbind_paused_partitions",
            "Partitions that are not read for now, since their windows wait for topics that lag behind.",
            registry=registry,
        )
        self.forced = Counter(
            "mmbind_forced_samples", "Samples closed for want of room, before their grace was over.", registry=registry
        )

    def _binding(self, registry: CollectorRegistry) -> None:
        self.bindings = Counter("mmbind_bindings", "First Bindings of samples.", ["outcome"], registry=registry)
        self.asked_again = Counter("mmbind_bindings_again", "Bindings of later rounds.", registry=registry)
        for outcome in OUTCOMES:
            self.bindings.labels(outcome)
        self.similarity = Histogram(
            "mmbind_partner_similarity", "Cosine of the best partner.", buckets=SIMILARITY_BUCKETS, registry=registry
        )
        steps = ("embed", "search", "bind")
        what = ("Embedding a micro-batch.", "Searching for it.", "Observing it: embedding, search and choice.")
        self.embed_seconds, self.search_seconds, self.bind_seconds = (
            Histogram(f"mmbind_{step}_seconds", text, buckets=STEP_SECONDS, registry=registry)
            for step, text in zip(steps, what, strict=True)
        )
        self.binds = Gauge(
            "mmbind_binds", "1 while this worker binds, 0 while it stands by or has nothing.", registry=registry
        )
        self.hub_share = Gauge(
            "mmbind_hub_share_ratio", "Share of all edges that the most used 1 % of the history has.", registry=registry
        )

    def _precision(self, registry: CollectorRegistry) -> None:
        self.precision = Gauge(
            "mmbind_pair_precision_estimate",
            "Estimated share of best partners that are right; NaN unless the state is estimated.",
            registry=registry,
        )
        self.precision_interval = Gauge(
            "mmbind_pair_precision_interval",
            "Ends of the interval (95 %) of the estimate; NaN where there is none.",
            ["end"],
            registry=registry,
        )
        self.precision_state = Gauge(
            "mmbind_pair_precision_state", "1 for what can be said of precision.", ["state"], registry=registry
        )
        self.binding_weight = Gauge(
            "mmbind_binding_weight",
            "Weight of what each of several binding modalities says; 0: no better than chance, it binds nobody.",
            ["modality"],
            registry=registry,
        )
        self.partner_control, self.random_control = (
            Gauge(f"mmbind_{who}_control_similarity", f"Mean cosine of {text}.", registry=registry)
            for who, text in (
                ("partner", "the last best partners, beside random ones"),
                ("random", "random rows of other sources, which are never emitted"),
            )
        )
        self.set_precision(PrecisionEstimate("unknown"), Control())

    def _index(self, registry: CollectorRegistry) -> None:
        self.vectors = Gauge("mmbind_index_vectors", "Vectors in the index.", registry=registry)
        self.segments = Gauge("mmbind_index_segments", "Segments of the index.", registry=registry)
        self.bytes = Gauge("mmbind_index_bytes", "Memory of vectors and graphs.", registry=registry)
        self.held_bytes = Gauge(
            "mmbind_held_generation_bytes", "Memory of the previous model's index, for going back.", registry=registry
        )
        self.recall = Gauge(
            "mmbind_index_recall_ratio",
            "Sampled share of the exact nearest neighbours that the index finds; NaN while all search is exact.",
            registry=registry,
        )
        self.recall.set(math.nan)
        self.generation = Gauge(
            "mmbind_generation_info", "The version that binds; always 1.", ["version"], registry=registry
        )
        self.generation_swaps = Counter("mmbind_generation_swaps", "Generations swapped in.", registry=registry)
        self.rebuild_seconds = Histogram(
            "mmbind_rebuild_seconds", "Building a generation.", buckets=REBUILD_SECONDS, registry=registry
        )
        self.set_generation(0)

    def set_generation(self, version: int) -> None:
        """Names the version that binds from now on, and forgets the one before."""
        if self._version is not None and self._version != version:
            self.generation.remove(str(self._version))
            self.generation_swaps.inc()
        self.generation.labels(str(version)).set(1)
        self._version = version

    def set_precision(self, estimate: PrecisionEstimate, control: Control) -> None:
        """Shows the present estimate, and best partners beside random ones."""
        self.precision.set(_or_nan(estimate.value))
        self.precision_interval.labels("low").set(_or_nan(estimate.low))
        self.precision_interval.labels("high").set(_or_nan(estimate.high))
        for state in get_args(State):
            self.precision_state.labels(state).set(state == estimate.state)
        self.partner_control.set(control.similarity)
        self.random_control.set(control.random_similarity)

    def observe_seconds(self, parts_s: Mapping[str, float]) -> None:
        """What a micro-batch took: "bind" all of it, "embed" and "search" its parts, where it held samples."""
        histograms = {"bind": self.bind_seconds, "embed": self.embed_seconds, "search": self.search_seconds}
        for part, seconds in parts_s.items():
            if part in histograms:
                histograms[part].observe(seconds)

    def observe_bound(self, counts: BindCounts) -> None:
        """Counts Bindings by outcome, with the similarity of the best partner; those of later rounds apart."""
        for outcome, n in counts.outcomes.items():
            self.bindings.labels(outcome).inc(n)
        for similarity in counts.similarities:
            self.similarity.observe(similarity)
        self.asked_again.inc(counts.n_again)
        for reason in counts.reasons:
            self.rejects.labels(reason).inc()
        self.duplicates.labels("sample").inc(counts.n_repeated)
        self.observe_seconds(counts.seconds)

    def watch_bind_process(self, pid: int) -> None:
        """Adds memory and CPU of the process that binds."""
        ProcessCollector(namespace="mmbind_bind", pid=lambda: pid, registry=self._registry)

    def watch_models(self, watch: "Watched") -> None:
        """Adds what a ModelWatch or ModelFollower counts."""
        self._registry.register(WatchCollector(watch))


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


class Watched(Protocol):
    """What a follower tells of itself."""

    @property
    def version(self) -> int:
        """The model in use."""

    @property
    def swaps(self) -> int:
        """Models taken up."""

    @property
    def failures(self) -> int:
        """Models that could not be."""


class WatchCollector(Collector):
    """A follower's version, swaps and failures, read when they are asked for."""

    def __init__(self, watch: Watched) -> None:
        self._watch = watch

    def collect(self) -> Iterator[Metric]:
        """Version, swaps and failures, as the watch counts them now."""
        yield GaugeMetricFamily("mmbind_follower_version", "The model version in use.", value=self._watch.version)
        yield CounterMetricFamily("mmbind_follower_swaps", "Models taken up.", value=self._watch.swaps)
        yield CounterMetricFamily(
            "mmbind_follower_failures", "Models that could not be taken up.", value=self._watch.failures
        )
