import math
from dataclasses import dataclass

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from streams.binder import Binder
from streams.precision.figures import Control, PrecisionEstimate
from streams.records import Binding, Outcome, Partner
from streams.testing import SyntheticWorld
from streams.worker.bind_counts import BindCounts
from streams.worker.history_watch import HistoryFigures, HistoryWatch
from streams.worker.metrics import StreamMetrics


@dataclass
class Watch:
    version: int = 3
    swaps: int = 2
    failures: int = 1


def binding(outcome: Outcome, *similarities: float) -> Binding:
    partners = tuple(Partner(sample_id=f"b@{i}", similarity=one, probability=0.5) for i, one in enumerate(similarities))
    return Binding(sample_id="a@1", round=0, model_version=0, outcome=outcome, partners=partners)


def test_every_series_is_there_before_anything_happens() -> None:
    registry = CollectorRegistry()
    StreamMetrics(registry, ["gyroscope"])
    assert registry.get_sample_value("mmbind_rejects_total", {"reason": "not-finite"}) == 0
    assert registry.get_sample_value("mmbind_bindings_total", {"outcome": "alone"}) == 0
    assert registry.get_sample_value("mmbind_windows_total", {"modality": "gyroscope"}) == 0
    assert registry.get_sample_value("mmbind_generation_info", {"version": "0"}) == 1


def test_counts_bindings_by_outcome_and_measures_the_best_partner() -> None:
    registry = CollectorRegistry()
    metrics = StreamMetrics(registry)
    metrics.observe_bound(BindCounts.of([binding("bound", 0.85, 0.2), binding("alone")], ["text"], 3, {}))
    assert registry.get_sample_value("mmbind_rejects_total", {"reason": "text"}) == 1
    assert registry.get_sample_value("mmbind_duplicates_total", {"record": "sample"}) == 3
    assert registry.get_sample_value("mmbind_bindings_total", {"outcome": "bound"}) == 1
    assert registry.get_sample_value("mmbind_partner_similarity_bucket", {"le": "0.9"}) == 1
    assert registry.get_sample_value("mmbind_partner_similarity_bucket", {"le": "0.8"}) == 0


def shown(registry: CollectorRegistry, name: str, **labels: str) -> float:
    value = registry.get_sample_value(name, labels)
    assert value is not None
    return value


def test_precision_is_a_number_only_while_it_is_estimated() -> None:
    registry = CollectorRegistry()
    metrics = StreamMetrics(registry)
    assert math.isnan(shown(registry, "mmbind_pair_precision_estimate"))
    assert shown(registry, "mmbind_pair_precision_state", state="unknown") == 1
    metrics.set_precision(PrecisionEstimate("estimated", 0.8, 0.7, 0.9, 400), Control(0.9, 0.3, 0.5, 0.1))
    assert shown(registry, "mmbind_pair_precision_estimate") == 0.8
    assert shown(registry, "mmbind_partner_control_similarity") == 0.9
    assert shown(registry, "mmbind_random_control_similarity") == 0.3
    metrics.set_precision(PrecisionEstimate("none", queries=500), Control(0.9, 0.3, 0.1, 0.1))
    assert math.isnan(shown(registry, "mmbind_pair_precision_estimate"))
    states = {
        one: shown(registry, "mmbind_pair_precision_state", state=one) for one in ("estimated", "none", "unknown")
    }
    assert states == {"estimated": 0, "none": 1, "unknown": 0}


def test_recall_is_a_number_only_once_a_graph_was_asked() -> None:
    registry = CollectorRegistry()
    watch, binder = HistoryWatch(StreamMetrics(registry)), Binder(SyntheticWorld(4).settings())
    assert math.isnan(shown(registry, "mmbind_index_recall_ratio"))
    binder.observe(list(SyntheticWorld(4).samples(10)))
    watch.show(HistoryFigures.of(binder))
    assert math.isnan(shown(registry, "mmbind_index_recall_ratio")), "40 samples are searched exactly"
    binder.generation.index.recall_hits, binder.generation.index.recall_trials = 99, 100
    watch.show(HistoryFigures.of(binder))
    assert shown(registry, "mmbind_index_recall_ratio") == 0.99
    binder.use(1)
    watch.show(HistoryFigures.of(binder))
    assert math.isnan(shown(registry, "mmbind_index_recall_ratio")), "another generation has graphs of its own"


def test_the_bytes_held_for_going_back_are_those_of_the_generation_before() -> None:
    registry = CollectorRegistry()
    watch, binder = HistoryWatch(StreamMetrics(registry)), Binder(SyntheticWorld(4).settings())
    n_bytes = binder.generation.n_bytes
    for held in (0, n_bytes):
        watch.show(HistoryFigures.of(binder))
        assert shown(registry, "mmbind_held_generation_bytes") == held
        binder.use(1)


def test_embedding_and_search_are_observed_once_for_each_micro_batch_that_has_them() -> None:
    registry = CollectorRegistry()
    metrics = StreamMetrics(registry)
    metrics.observe_seconds({"bind": 0.5, "embed": 0.2, "search": 0.1})
    metrics.observe_seconds({"bind": 0.1})
    counts = [shown(registry, f"mmbind_{step}_seconds_count") for step in ("bind", "embed", "search")]
    assert counts == [2, 1, 1]
    assert shown(registry, "mmbind_embed_seconds_sum") == 0.2


def test_forgets_the_version_that_was_swapped_out() -> None:
    registry = CollectorRegistry()
    metrics = StreamMetrics(registry)
    metrics.set_generation(2)
    assert registry.get_sample_value("mmbind_generation_info", {"version": "0"}) is None
    assert registry.get_sample_value("mmbind_generation_info", {"version": "2"}) == 1
    assert registry.get_sample_value("mmbind_generation_swaps_total") == 1


def test_naming_the_same_version_again_is_no_swap() -> None:
    registry = CollectorRegistry()
    metrics = StreamMetrics(registry)
    metrics.set_generation(0)
    assert registry.get_sample_value("mmbind_generation_swaps_total") == 0


def test_reads_a_follower_when_asked() -> None:
    registry = CollectorRegistry()
    watch = Watch()
    StreamMetrics(registry).watch_models(watch)
    watch.version = 4
    assert registry.get_sample_value("mmbind_follower_version") == 4
    assert registry.get_sample_value("mmbind_follower_failures_total") == 1


def test_two_services_of_one_process_do_not_meet() -> None:
    one, other = CollectorRegistry(), CollectorRegistry()
    StreamMetrics(one).messages.inc()
    StreamMetrics(other)
    assert one.get_sample_value("mmbind_messages_total") == 1
    assert other.get_sample_value("mmbind_messages_total") == 0


def test_names_follow_the_rules_and_no_creation_times_are_shown() -> None:
    registry = CollectorRegistry()
    StreamMetrics(registry, ["gyroscope"], code_version="0.1.0")
    families = [
        line.split()[2] for line in generate_latest(registry).decode().splitlines() if line.startswith("# TYPE")
    ]
    assert not [name for name in families if name.endswith("_created")]
    assert all(name.startswith(("mmbind_", "process_")) for name in families)
