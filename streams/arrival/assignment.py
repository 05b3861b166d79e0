"""From candidates to partners with probabilities. Performs no I/O and keeps no state."""

from typing import NamedTuple

import numpy as np

from streams.history.segment import NO_SIMILARITY
from streams.settings import BindingSettings
from streams.similarity.exact_products import ROWS_AT_ONCE, padded


class Candidates(NamedTuple):
    """What was found for n consecutive rows.

    `rows` `[n, k]` (-1 where there are fewer), `similarities` `[n, k]` their cosines, `scores` `[n, k]` how far each
    pair stands out from chance (see `chance`), `means` `[n, k]` the same of each with its own nearest (NaN unknown),
    `own_means` `[n]` of the row that asks with its own.
    """

    rows: np.ndarray
    similarities: np.ndarray
    scores: np.ndarray
    means: np.ndarray
    own_means: np.ndarray


class Assignment(NamedTuple):
    """Partners of n rows, `[n, k]` each, the most probable first: probability 0 where there are fewer."""

    rows: np.ndarray
    similarities: np.ndarray
    probabilities: np.ndarray


def assign(candidates: Candidates, fresh: np.ndarray, use: np.ndarray, settings: BindingSettings) -> Assignment:
    """A soft assignment of each row to at most `settings.partners` candidates.

    The probabilities are a softmax at `settings.temperature` of the hub-corrected score
    `s - strength * (own mean + candidate's mean) / 2` (CSLS where strength is 1), divided by `1 + use / use_cap`: the
    column potential of an online Sinkhorn step, so that what was used often is used less, up to `most_uses`. Where
    there are fresh candidates, only they are partners.

    Args:
        candidates: At most 64 rows.
        fresh: `[n, k]`, whether a candidate brings a new pair of modalities: only such pairs are trained on.
        use: `[n, k]`, the probabilities that each candidate gathered so far.
        settings: How sharp, how many, how much hubs and use count.
    """
    n = len(candidates.rows)
    values = (padded(value, ROWS_AT_ONCE) for value in (*candidates, fresh, use))
    rows, similarities, scores, means, own, fresh, use = values
    usable = (rows >= 0) & (similarities > NO_SIMILARITY) & (similarities >= settings.min_similarity)
    usable &= use < settings.most_uses
    fresh &= usable
    usable = np.where(fresh.any(axis=1, keepdims=True), fresh, usable)
    known = np.where(np.isnan(means), own[:, None], means)
    crowd = settings.hub_correction / 2 * np.nan_to_num(own[:, None] + known)
    logits = (scores - crowd) / np.float32(settings.temperature) - np.log1p(use / np.float32(settings.use_cap))
    logits[~usable] = -np.inf
    order = np.argsort(-logits, axis=1, kind="stable")[:, : settings.partners]
    best = np.take_along_axis(logits, order, axis=1)
    shares = np.exp(best - np.where(np.isfinite(best[:, :1]), best[:, :1], 0))
    total = shares[:, :1].copy()
    for column in range(1, shares.shape[1]):
        total += shares[:, column : column + 1]
    probabilities = shares / np.maximum(total, np.finfo(np.float32).tiny)
    return Assignment(
        np.take_along_axis(rows, order, axis=1)[:n],
        np.take_along_axis(similarities, order, axis=1)[:n],
        probabilities[:n],
    )
