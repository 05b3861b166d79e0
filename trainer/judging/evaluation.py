"""How good the encoders are on samples that they were never trained on. Performs no I/O and reads no clock."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import permutations

import numpy as np

from streams.records import Sample

Embed = Callable[[np.ndarray], np.ndarray]

# Name of the figure: the estimated share of right best partners among the pairs that were trained on.
PAIR_PRECISION = "pairs/precision_estimate"
# The share of them of which nothing is thought.
PAIRS_UNKNOWN = "pairs/unknown_share"


def retrieval(
    queries: np.ndarray, gallery: np.ndarray, query_labels: np.ndarray, gallery_labels: np.ndarray
) -> dict[str, float]:
    """Class-level figures of ranking the gallery `[M, D]` for each query `[N, D]` by cosine.

    `cmap` is the mean average precision, `r_at_1` the share of queries whose nearest has their label, `chance_cmap`
    and `chance_r_at_1` what a random order gives on average. Queries whose label is not in the gallery do not count.

    Raises:
        ValueError: If no query's label is in the gallery.
    """
    return _retrieval(queries, gallery, query_labels, gallery_labels)[0]


def _retrieval(
    queries: np.ndarray, gallery: np.ndarray, query_labels: np.ndarray, gallery_labels: np.ndarray
) -> tuple[dict[str, float], np.ndarray]:
    """The figures, and the average precision of each query, NaN where its label is not in the gallery."""
    relevant = query_labels[:, None] == gallery_labels[None, :]
    answerable = relevant.any(1)
    if not answerable.any():
        raise ValueError("no query has a label that the gallery has")
    relevant = relevant[answerable]
    # Equal similarities must not come out in the order in which the gallery happens to be: a collapsed encoder
    # would be given that order's precision.
    shuffled = np.random.default_rng(0).permutation(len(gallery))
    order = shuffled[np.argsort(-(queries[answerable] @ gallery[shuffled].T), axis=1, kind="stable")]
    hits = np.take_along_axis(relevant, order, 1)
    precisions = np.cumsum(hits, 1) / np.arange(1, len(gallery) + 1)
    each = np.full(len(queries), np.nan)
    each[answerable] = (precisions * hits).sum(1) / hits.sum(1)
    figures = {
        "cmap": float(each[answerable].mean()),
        "r_at_1": float(hits[:, 0].mean()),
        "chance_cmap": float(np.mean([_chance_precision(int(n), len(gallery)) for n in relevant.sum(1)])),
        "chance_r_at_1": float(relevant.mean()),
    }
    return figures, each


def _chance_precision(n_relevant: int, n_all: int) -> float:
    """Expected average precision of a random order."""
    if n_all == 1:
        return 1.0
    harmonic = float((1 / np.arange(1, n_all + 1)).sum())
    return ((n_relevant - 1) / (n_all - 1) * (n_all - harmonic) + harmonic) / n_all


def instance_retrieval(queries: np.ndarray, gallery: np.ndarray) -> dict[str, float]:
    """Figures of finding row i of the gallery `[N, D]` with row i of the queries `[N, D]`, at least 2 rows.

    `mrr` is the mean of 1 / rank, equals of the right one counting half, `r_at_1` the share at rank 1, `auc` the share
    of the wrong ones that rank behind the right one. `chance_mrr` and `chance_auc` are what a random order gives on
    average, `chance_sd_auc` is the standard deviation of its `auc` (`mrr` hangs on the few first ranks, and on luck).
    """
    return _instance_retrieval(queries, gallery)[0]


def _instance_retrieval(queries: np.ndarray, gallery: np.ndarray) -> tuple[dict[str, float], np.ndarray]:
    """The figures, and 1 / rank of each query."""
    similarities = queries @ gallery.T
    own = np.diagonal(similarities)[:, None]
    rank = 1 + (similarities > own).sum(1) + ((similarities == own).sum(1) - 1) / 2
    n_rows = len(queries)
    figures = {
        "mrr": float((1 / rank).mean()),
        "r_at_1": float((rank == 1).mean()),
        "auc": float(1 - (rank - 1).mean() / (n_rows - 1)),
        "chance_mrr": float((1 / np.arange(1, n_rows + 1)).sum() / n_rows),
        "chance_auc": 0.5,
        # A random rank is uniform; the queries are taken to be independent.
        "chance_sd_auc": float(np.sqrt((n_rows + 1) / (12 * n_rows * (n_rows - 1)))),
    }
    return figures, 1 / rank


def collapse(embeddings: np.ndarray) -> dict[str, float]:
    """Whether embeddings `[N, D]` still tell things apart.

    `effective_rank` is the exponential of the entropy of the covariance's spectrum, 1 when all lie on a line and at
    most D; `mean_cosine` is that of two different rows, near 1 when all are the same.
    """
    n_rows = len(embeddings)
    total = embeddings.astype(np.float64).sum(0)
    squares = float((embeddings.astype(np.float64) ** 2).sum())
    spectrum = np.linalg.svd(embeddings - embeddings.mean(0), compute_uv=False).astype(np.float64) ** 2
    shares = spectrum / max(float(spectrum.sum()), 1e-12)
    shares = shares[shares > 1e-12]
    return {
        "effective_rank": float(np.exp(-(shares * np.log(shares)).sum())),
        "mean_cosine": float((total @ total - squares) / max(n_rows * (n_rows - 1), 1)),
    }


def evaluate(
    encoders: Mapping[str, Embed], held_out: Sequence[Sample], pairs: Iterable[tuple[str, str]] | None = None
) -> dict[str, float]:
    """Figures of the encoders on held-out samples, by name.

    `retrieval/<a>-><b>/<figure>` with `mrr`, `auc` and their chances from the samples that have both modalities, and,
    where there are labels, `cmap`, `r_at_1` and their chances: every labelled sample with `a` asks, every one with `b`
    can be found, itself included. `collapse/<modality>/<figure>` from all samples that have it. What cannot be judged
    has no key: see `missing_evidence`.

    Args:
        encoders: From windows `[N, T, C]` in robust units to unit rows, by modality.
        held_out: Samples that took no part in training.
        pairs: Which (query, gallery) to judge; every ordered two of the encoders without it.
    """
    return evaluate_each(encoders, held_out, pairs)[0]


def evaluate_each(
    encoders: Mapping[str, Embed], held_out: Sequence[Sample], pairs: Iterable[tuple[str, str]] | None = None
) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """The figures of `evaluate`, and those of each sample that asked: of `mrr` and `cmap`, by the figure's name."""
    embedded = {
        name: _Embedded(embed, [sample for sample in held_out if name in sample.windows], name)
        for name, embed in sorted(encoders.items())
    }
    figures: dict[str, float] = {}
    by_sample: dict[str, dict[str, float]] = {}
    for name, one in embedded.items():
        if len(one.rows) >= 2:
            figures |= {f"collapse/{name}/{key}": value for key, value in collapse(one.rows).items()}
    for query, gallery in permutations(sorted(encoders), 2) if pairs is None else pairs:
        found, each = _cross_modal(embedded[query], embedded[gallery])
        figures |= {f"retrieval/{query}->{gallery}/{key}": value for key, value in found.items()}
        by_sample |= {f"retrieval/{query}->{gallery}/{key}": values for key, values in each.items()}
    return figures, by_sample


class _Embedded:
    """Rows of one modality, with the ids and labels of their samples."""

    def __init__(self, embed: Embed, samples: Sequence[Sample], modality: str) -> None:
        self.ids = [sample.sample_id for sample in samples]
        self.number = {sample_id: row for row, sample_id in enumerate(self.ids)}
        self.labels = [sample.label for sample in samples]
        self.rows = embed(np.stack([sample.scaled(modality) for sample in samples])) if samples else np.empty((0, 0))

    def labelled(self) -> tuple[list[str], np.ndarray, np.ndarray]:
        """Ids, rows and labels of the samples that have one."""
        known = [row for row, label in enumerate(self.labels) if label is not None]
        # Text, since labels may be numbers and texts in one stream; their kind is part of it.
        labels = np.array([repr(self.labels[row]) for row in known], dtype=np.str_)
        return [self.ids[row] for row in known], self.rows[known], labels


def _cross_modal(query: _Embedded, gallery: _Embedded) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    figures: dict[str, float] = {}
    by_sample: dict[str, dict[str, float]] = {}
    common = [name for name in query.number if name in gallery.number]
    if len(common) >= 2:
        found, each = _instance_retrieval(
            query.rows[[query.number[name] for name in common]], gallery.rows[[gallery.number[name] for name in common]]
        )
        # Not `r_at_1`: that is the class-level figure's name.
        figures |= {key: value for key, value in found.items() if key != "r_at_1"}
        by_sample["mrr"] = dict(zip(common, each.tolist(), strict=True))
    (ids, asking, asked_labels), (_, searched, searched_labels) = query.labelled(), gallery.labelled()
    if np.isin(asked_labels, searched_labels).any():
        found, each = _retrieval(asking, searched, asked_labels, searched_labels)
        figures |= found
        by_sample["cmap"] = {name: value for name, value in zip(ids, each.tolist(), strict=True) if value == value}
    return figures, by_sample


def missing_evidence(figures: Mapping[str, float], pairs: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """In words, what `evaluate` could not judge of these (query, gallery)."""
    return tuple(
        f"{query} -> {gallery}: no two held-out samples have both"
        for query, gallery in pairs
        if f"retrieval/{query}->{gallery}/mrr" not in figures
    )
