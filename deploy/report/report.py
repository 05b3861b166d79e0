"""The report of a run: its figures, as JSON for programs and as a table for people. Performs no I/O."""

import math

import msgspec
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from deploy.report.explanations import ABOUT_LABELS, ABOUT_PAIRS, about_retrieval
from deploy.report.label_figures import LabelFigures
from deploy.report.pair_figures import PairFigures
from deploy.report.retrieval import Difference, Figures, mean_cmap
from streams.precision.figures import PrecisionEstimate


class Series(msgspec.Struct, kw_only=True):
    """What the picture shows: a value for each bound sample in order, and the loss at some training steps."""

    right: list[bool] = []
    right_on_arrival: list[bool | None] = []
    similarity: list[float] = []
    confidence: list[float | None] = []
    chance: list[float] = []
    version: list[int] = []
    loss: list[float] = []
    loss_steps: list[int] = []
    steps_of_version: dict[int, int] = {}


class Report(msgspec.Struct, kw_only=True):
    """Shares are 0..1; null where there is nothing to judge by.

    `pairs` are edges, `bindings` the records that carry them, one or more for every sample: `samples_without_binding`
    is 0, unless something was lost. `retrieval` and its controls are
    on held-out sources between modalities that were never together in training, by `"query->gallery"`.
    `pair_precision_estimate` was made without labels: the last one, or "none" or "unknown". `binding_weights` are how
    much each modality that may bind has to say, 0..1.
    """

    windows_in: int
    windows_lost: int
    samples: int
    rejects: int
    bindings: int
    pairs: int
    pairs_by_version: dict[int, int]
    samples_alone: int
    samples_withheld: int = 0
    samples_without_binding: int = 0
    pair_precision: float | None = None
    pair_precision_error: float | None = None
    pair_precision_on_arrival: float | None = None
    pair_precision_second_half: float | None = None
    pair_precision_all: float | None = None
    chance_precision: float | None = None
    pair_precision_estimate: float | str = "unknown"
    pair_precision_estimate_interval: tuple[float, float] | None = None
    binding_weights: dict[str, float] = {}
    models_published: int = 0
    worker_model_version: int = 0
    consumer_model_version: int = 0
    swaps: int = 0
    pairs_trained: int = 0
    pairs_trained_twice: int = 0
    retrieval: Figures = {}
    retrieval_natural_only: Figures = {}
    retrieval_random: Figures = {}
    retrieval_oracle: Figures = {}
    retrieval_by_version: dict[int, Figures] = {}
    gap_closed: float | None = None
    labels: LabelFigures | None = None
    differences: list[Difference] = []
    notes: list[str] = []
    seconds: float = 0.0
    series: Series = msgspec.field(default_factory=Series)

    def as_json(self) -> bytes:
        """The report as indented JSON; what is not a number is null."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1)


CONTROLS = {"natural only": "retrieval_natural_only", "random": "retrieval_random", "oracle": "retrieval_oracle"}


def note_pairs(report: Report, figures: PairFigures) -> None:
    """Writes what the pairs are worth into the report."""
    report.pair_precision = _number(figures.best)
    report.pair_precision_error = _number(figures.error)
    report.pair_precision_on_arrival = _number(figures.on_arrival)
    report.pair_precision_second_half = _number(figures.second_half)
    report.pair_precision_all = _number(figures.all_partners)
    report.chance_precision = _number(figures.chance)
    report.series.right = figures.right.tolist()
    report.series.right_on_arrival = [None if math.isnan(one) else bool(one) for one in figures.right_on_arrival]
    report.series.similarity = [round(value, 4) for value in figures.similarity.tolist()]
    report.series.confidence = [_number(value) for value in figures.confidence.tolist()]
    report.series.chance = [round(value, 4) for value in figures.chances.tolist()]
    report.series.version = figures.version.tolist()


def note_estimate(report: Report, estimate: PrecisionEstimate) -> None:
    """Writes what was said of the pairs without labels into the report."""
    report.pair_precision_estimate, report.pair_precision_estimate_interval = estimate.state, None
    if estimate.value is not None:
        report.pair_precision_estimate = estimate.value
    if estimate.low is not None and estimate.high is not None:
        report.pair_precision_estimate_interval = (estimate.low, estimate.high)


def gap_closed(report: Report) -> float | None:
    """(ours - natural only) / (oracle - natural only) on the mean cmAP; None where the oracle gains nothing."""
    ours, natural = mean_cmap(report.retrieval), mean_cmap(report.retrieval_natural_only)
    gain = mean_cmap(report.retrieval_oracle) - natural
    return _number((ours - natural) / gain) if gain > 0 else None


def as_tables(report: Report) -> RenderableType:
    """The report for people."""
    tables: list[RenderableType] = [_flow_table(report), _precision_table(report), Text(ABOUT_PAIRS, style="dim")]
    if report.labels:
        tables += [_label_table(report.labels), Text(ABOUT_LABELS, style="dim")]
    if report.retrieval:
        tables += [_retrieval_table(report), Text(_about_retrieval(report), style="dim")]
    return Group(*tables, *map(Text, report.notes))


def _about_retrieval(report: Report) -> str:
    by_label = any("cmap" in one for one in report.retrieval.values())
    return about_retrieval(by_label, report.worker_model_version, max(report.retrieval_by_version, default=0))


def _flow_table(report: Report) -> Table:
    table = _table("What went round the loop", "", "count")
    versions = ", ".join(f"{n} by version {version}" for version, n in report.pairs_by_version.items())
    for name, value in (
        ("windows in", report.windows_in),
        ("windows lost", report.windows_lost),
        ("windows rejected", report.rejects),
        ("samples", report.samples),
        ("samples without a Binding", report.samples_without_binding),
        ("samples alone", report.samples_alone),
        ("samples withheld", report.samples_withheld),
        (f"pairs ({versions})" if versions else "pairs", report.pairs),
        ("models published", report.models_published),
        ("swaps while windows flowed", report.swaps),
        ("model version: worker", report.worker_model_version),
        ("model version: consumer", report.consumer_model_version),
        ("bindings trained on", report.pairs_trained),
        ("  of these more than once", report.pairs_trained_twice),
    ):
        table.add_row(name, f"{value:,}")
    for modality, weight in report.binding_weights.items():
        table.add_row(f"{modality} binds, with weight (0: nobody)", share(weight))
    table.add_row("seconds", f"{report.seconds:.0f}")
    return table


def _precision_table(report: Report) -> Table:
    table = _table("Pairs whose labels agree (labels are used for this table and the next only)", "", "share")
    error = f" ± {report.pair_precision_error:.3f}" if report.pair_precision_error is not None else ""
    table.add_row("best partner, whole stream", share(report.pair_precision) + error)
    table.add_row("best partner, when they came", share(report.pair_precision_on_arrival))
    table.add_row("best partner, second half", share(report.pair_precision_second_half))
    table.add_row("all partners, by probability", share(report.pair_precision_all))
    table.add_row("by chance", share(report.chance_precision))
    table.add_row("estimated without labels, at the end", _estimate_cell(report))
    return table


def _label_table(labels: LabelFigures) -> Table:
    table = _table(f"{labels.n_labels} labels, all on nodes with {labels.labelled}", "", "share")
    table.add_row(f"right of {labels.n_told} samples of nodes with {labels.told}", share(labels.right))
    table.add_row("not known", share(labels.not_known))
    table.add_row("right by a classifier on the shared sensor", share(labels.classifier_right))
    return table


def _estimate_cell(report: Report) -> str:
    if isinstance(report.pair_precision_estimate, str):
        return report.pair_precision_estimate
    interval = report.pair_precision_estimate_interval
    within = f" ({share(interval[0])} to {share(interval[1])})" if interval else ""
    return share(report.pair_precision_estimate) + within


def _retrieval_table(report: Report) -> Table:
    pairs = sorted(report.retrieval)
    table = _table("Retrieval between modalities that never met, on held-out sources (cmAP / R@1)", "", *pairs)
    table.add_column("ours less this, mean cmAP")
    differences = {one.control: one for one in report.differences}
    served = f"version {report.worker_model_version}"
    rows = {f"version {version}": figures for version, figures in sorted(report.retrieval_by_version.items())}
    rows |= {"ours": report.retrieval}
    rows |= {name: getattr(report, field) for name, field in CONTROLS.items()}
    for name, figures in rows.items():
        cells = [_retrieval_cell(figures.get(pair, {})) for pair in pairs]
        style = "bold" if name == served else ""
        table.add_row(name + ", served" * (name == served), *cells, _verdict(differences.get(name)), style=style)
    chance = [report.retrieval[pair] for pair in pairs]
    table.add_row(
        "by chance", *(f"{share(one.get('chance_cmap'))} / {share(one.get('chance_r_at_1'))}" for one in chance), ""
    )
    return table


def _retrieval_cell(figures: dict[str, float]) -> str:
    if "cmap" not in figures:
        return f"MRR {share(figures.get('mrr'))}"
    return f"{share(figures['cmap'])} / {share(figures['r_at_1'])}"


def _verdict(difference: Difference | None) -> str:
    if difference is None or math.isnan(difference.difference):
        return ""
    noise = "  within its noise" if difference.is_noise else ""
    return f"{difference.difference:+.3f} ± {difference.error:.3f}{noise}"


def share(value: float | None) -> str:
    """Three places, or a dash."""
    return "-" if value is None or math.isnan(value) else f"{value:.3f}"


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", header_style="dim")
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left")
    return table


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
