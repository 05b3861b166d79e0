"""The contrastive loss over edges. Performs no I/O; knows no samples, only rows of embeddings."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

# Stands for "not a negative": far below every logit, yet finite, so that a row without negatives has a gradient of 0.
EXCLUDED = -1e9


def edge_losses(
    queries: Float[Tensor, "n_queries dim"],
    keys: Float[Tensor, "n_keys dim"],
    query_rows: Int[Tensor, " edges"],
    key_rows: Int[Tensor, " edges"],
    related: Bool[Tensor, "n_queries n_keys"],
    log_weights: Float[Tensor, "n_queries n_keys"],
    temperature: float,
) -> Float[Tensor, " edges"]:
    """Symmetric InfoNCE of each edge: mean of the loss from query to key and from key to query.

    Edge e says that row `query_rows[e]` and row `key_rows[e]` belong together. From query to key it costs
    `-log(exp(s_qk) / (exp(s_qk) + sum_j exp(s_qj + log_weights_qj)))`, s the cosine over the temperature and j
    running over the keys that are not related to q.

    Args:
        queries: Unit rows of one modality. A missing window has no row, so it is neither positive nor negative.
        keys: Unit rows of another modality.
        query_rows: One end of each edge.
        key_rows: The other end.
        related: True where the two rows are one item, or are known to belong together: never a negative.
        log_weights: At most 0; what a negative's share in the denominator is multiplied by, as a logarithm.
        temperature: Above 0.

    Source: InfoNCE (arXiv 1807.03748) in both directions, as CLIP has it.
    """
    logits = queries @ keys.T / temperature
    negatives = (logits + log_weights).masked_fill(related, EXCLUDED)
    positives = logits[query_rows, key_rows]
    forward = torch.nn.functional.softplus(torch.logsumexp(negatives, 1)[query_rows] - positives)
    backward = torch.nn.functional.softplus(torch.logsumexp(negatives, 0)[key_rows] - positives)
    return (forward + backward) / 2


def weighted_mean(losses: Float[Tensor, " edges"], weights: Float[Tensor, " edges"]) -> Float[Tensor, ""]:
    """Mean of the losses in which a doubtful edge counts for less; only ratios of the weights matter.

    Raises:
        ValueError: If a weight is negative or none is above 0, since the mean is then undefined.
    """
    if not bool((weights >= 0).all()) or not bool((weights > 0).any()):
        raise ValueError(f"edge weights {weights.tolist()}: wanted all at least 0 and one above")
    return (losses * (weights / weights.sum())).sum()


def softened_log_weights(
    similarities: Float[Tensor, "items items"], quantile: float, width: float
) -> Float[Tensor, "items items"]:
    """Log-weights that take look-alikes out of the negatives: `log(1 - sigmoid((c - quantile) / width))`.

    Args:
        similarities: How alike the shared windows of two items are; -inf where one has none, which softens nothing.
        quantile: The similarity at which a negative counts half.
        width: Over which the change from all to nothing takes place, above 0.
    """
    return torch.nn.functional.logsigmoid((quantile - similarities) / width)
