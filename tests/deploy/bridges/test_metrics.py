"""What a bridge shows of itself."""

from prometheus_client import CollectorRegistry

from deploy.bridges.metrics import BridgeFigures, BridgeMetrics


def test_all_metrics_are_there_from_the_start_at_0() -> None:
    registry = CollectorRegistry()
    BridgeMetrics(registry, ("acc",))
    for name, labels in (
        ("messages_total", {}),
        ("samples_total", {}),
        ("windows_total", {"modality": "acc"}),
        ("refused_total", {"reason": "undecodable"}),
        ("lost_windows_total", {}),
        ("last_message_timestamp_seconds", {}),
        ("connections_total", {}),
        ("connected", {}),
    ):
        assert registry.get_sample_value(f"mmbind_bridge_{name}", labels) == 0.0
    assert registry.get_sample_value("mmbind_broker_connected") == 0.0


def test_a_scrape_shows_the_figures_of_its_moment() -> None:
    registry = CollectorRegistry()
    now = [BridgeFigures()]
    BridgeMetrics(registry, ("acc", "gyro"), lambda: now[0])
    now[0] = BridgeFigures(9, 8, {"gyro": 7}, {"time": 6}, 5, 4.5, 3, True, True)
    shown = {
        (sample.name.removeprefix("mmbind_bridge_"), *sample.labels.values()): sample.value
        for family in registry.collect()
        for sample in family.samples
        if sample.value and not sample.name.startswith("process_")
    }
    assert shown == {
        ("messages_total",): 9,
        ("samples_total",): 8,
        ("windows_total", "gyro"): 7,
        ("refused_total", "time"): 6,
        ("lost_windows_total",): 5,
        ("last_message_timestamp_seconds",): 4.5,
        ("connections_total",): 3,
        ("connected",): 1,
        ("mmbind_broker_connected",): 1,
    }
