"""The contrastive loss over edges. Performs no I/O; knows no samples, only rows of embeddings."""

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

# Stands for "not a negative": far below every logit, yet finite, so that a row without negatives has a gradient of 0.
EXCLUDED = -1e9


def edge_losses(
    rows: Float[Tensor, "rows dim"],
    groups: Int[Tensor, " rows"],
    n_groups: int,
    queries: Int[Tensor, " edges"],
    keys: Int[Tensor, " edges"],
    related: Bool[Tensor, "rows rows"],
    log_weights: Float[Tensor, "rows rows"],
    temperature: float,
) -> Float[Tensor, " edges"]:
    """Symmetric InfoNCE of each edge: mean of the loss from query to key and from key to query.

    Edge e says that rows `queries[e]` and `keys[e]`, of two groups, belong together. From query q to key k it costs
    `-log(exp(s_qk) / (exp(s_qk) + sum_j exp(s_qj + log_weights_qj)))`, s the cosine over the temperature and j
    running over the rows of k's group that are not related to q. One product gives the cosines of all pairs of groups.

    Args:
        rows: Unit rows of all modalities. A missing window has no row, so it is neither positive nor negative.
        groups: The modality of each row, counted from 0.
        n_groups: How many there are; each has a row.
        queries: One end of each edge.
        keys: The other end.
        related: Symmetric; True where the two rows are one item, or are known to belong together: never a negative.
        log_weights: Symmetric, at most 0; what a negative's share in the denominator is multiplied by, as a logarithm.
        temperature: Above 0.

    Source: InfoNCE (arXiv 1807.03748) in both directions, as CLIP has it.
    """
    logits = rows @ rows.T / temperature
    negatives = (logits + log_weights).masked_fill(related, EXCLUDED)
    shares = logsumexp_by_group(negatives, groups, n_groups)
    positives = logits[queries, keys]
    forward = torch.nn.functional.softplus(shares[queries, groups[keys]] - positives)
    backward = torch.nn.functional.softplus(shares[keys, groups[queries]] - positives)
    return (forward + backward) / 2


def logsumexp_by_group(
    values: Float[Tensor, "rows columns"], groups: Int[Tensor, " columns"], n_groups: int
) -> Float[Tensor, "rows {n_groups}"]:
    """`log(sum(exp(values)))` of each row over the columns of each group; none of the groups is empty."""
    members = torch.nn.functional.one_hot(groups, n_groups).to(values.dtype)
    # The largest of each group is taken out, so that nothing overflows and no group vanishes beside another.
    top = torch.full((len(values), n_groups), -torch.inf, dtype=values.dtype, device=values.device)
    top = top.scatter_reduce(1, groups.expand(len(values), -1), values.detach(), "amax")
    return top + ((values - top[:, groups]).exp() @ members).log()


def shares_of(weights: Float[np.ndarray, " edges"]) -> Float[np.ndarray, " edges"]:
    """What each edge's loss counts in the mean, in all 1: a doubtful edge counts for less; only ratios matter.

    Raises:
        ValueError: If a weight is negative or none is above 0, since the mean is then undefined.
    """
    if not (weights >= 0).all() or not (weights > 0).any():
        raise ValueError(f"edge weights {weights.tolist()}: wanted all at least 0 and one above")
    shares: np.ndarray = weights / weights.sum()
    return shares


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
