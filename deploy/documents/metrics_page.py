"""The page of all metrics. Performs no I/O."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Metric

from deploy.bridges.metrics import BridgeMetrics
from streams.worker.embed_metrics import EmbedMetrics
from streams.worker.metrics import StreamMetrics
from trainer.metrics import TrainerMetrics

HEAD = """\
# Metrics

Worker, trainer, embedder and bridge show them on `http://HOST:PORT/metrics` (`runtime.metrics_host`,
`runtime.stream_port`, `runtime.trainer_port`, `runtime.embedder_port`, `runtime.bridge_port`), beside `/healthz` and
`/readyz`, which says what is not ready. Those of the process itself (`process_...`) are prometheus-client's. This page
is made from the code by `mmbind config document metrics`.
"""
TABLE = "| metric | kind | labels | what it is |\n|---|---|---|---|\n"


def metrics_page() -> str:
    """Markdown: a table for each service, in the order of the code."""
    tables = {name: CollectorRegistry() for name in ("Worker", "Trainer", "Embedder", "Bridge")}
    StreamMetrics(tables["Worker"], ("modality",))
    TrainerMetrics(tables["Trainer"])
    EmbedMetrics(tables["Embedder"])
    BridgeMetrics(tables["Bridge"], ("modality",))
    return HEAD + "".join(f"\n## {name}\n\n{_table(of.collect())}" for name, of in tables.items())


def _table(families: Iterable[Metric]) -> str:
    rows = []
    for family in families:
        if not family.name.startswith("process_"):
            labels = sorted({label for sample in family.samples for label in sample.labels} - {"le", "quantile"})
            name = f"{family.name}_total" if family.type == "counter" else family.name
            rows.append(f"| `{name}` | {family.type} | {', '.join(labels)} | {family.documentation} |\n")
    return TABLE + "".join(rows)
