"""The gate: whether a candidate may become the followed version. Pure: figures in, a decision out."""

from collections.abc import Callable, Mapping, Sequence

from streams.records import Decision
from trainer.judging.evaluation import PAIR_PRECISION, PAIRS_UNKNOWN
from trainer.settings import GateSettings

# With labels the class counts. Without them only the very window of the same moment: the share of others that rank
# behind it tells luck from learning, the mean of 1 / rank tells good from better. (On 194 windows of repeated exercise
# true-label pairs had mrr 0.064 against 0.042 of natural edges only, but auc 0.65 against 0.68; and of 100 random
# embeddings up to 22 had an mrr above 1.2 times chance.)
LABELLED = "cmap"
UNLABELLED, UNLABELLED_CHANCE = "mrr", "auc"


def decide(
    version: int,
    candidate: Mapping[str, float],
    best: Mapping[str, float] | None,
    settings: GateSettings,
    missing_evidence: Sequence[str] = (),
    error_of: Callable[[Sequence[str]], float] = lambda names: 0.0,
) -> Decision:
    """Passes a candidate that has not collapsed, beats chance, and is no worse than the best so far.

    1. No modality has collapsed: its effective rank is high enough, the cosine of unlike samples low enough.
    2. Mean retrieval between modalities is above chance: with labels `cmap` by `chance_factor`, without them `auc` by
       `chance_deviations` standard deviations of what luck gives.
    3. It is at most `retrieval_errors` standard errors of the difference below that of the best, embedding the same
       held-out samples: with labels `cmap`, without them `mrr`. Only pairs of modalities that both know are compared:
       one that has just joined would else be held against those that were there long before. Where they have none that
       binding taught, those that natural samples taught are.

    4. Its pairs are thought to be right often enough, where there is an estimate: what random pairs teach is worse than
       what no pairs do.

    Where there is no retrieval to judge, the first rule alone decides, and the reason says so; where nothing at all
    could be measured, the candidate fails.

    Args:
        version: Of the candidate.
        candidate: Its figures: `collapse/<modality>/effective_rank` and `/mean_cosine`,
            `retrieval/<a>-><b>/<figure>` and `retrieval/<a>-><b>/chance_<figure>`, and `natural/...` like them.
        best: Figures of the best so far on the same samples; None if there is none.
        settings: The thresholds.
        missing_evidence: What could not be judged, in words; it stands in the reason.
        error_of: Gives the standard error of the difference to the best, of the mean over these figures.
    """
    collapsed = _collapsed(candidate, settings)
    retrieval, reasons = _judge_retrieval(candidate, best, settings, error_of)
    reasons += _judge_pairs(candidate, settings)
    faults = [*collapsed, *(text for is_fault, text in reasons if is_fault)]
    merits = [text for is_fault, text in reasons if not is_fault]
    if not any(name.startswith("collapse/") for name in candidate):
        faults.append("nothing could be measured on held-out samples")
    elif not collapsed:
        merits.insert(0, "no modality has collapsed")
    missing = [f"not judged: {evidence}" for evidence in missing_evidence]
    return Decision(
        version=version,
        passed=not faults,
        reason="; ".join([*(faults or merits), *missing]),
        figures=dict(candidate) | retrieval,
    )


def _judge_pairs(candidate: Mapping[str, float], settings: GateSettings) -> list[tuple[bool, str]]:
    share = candidate.get(PAIR_PRECISION)
    if share is None:
        return []
    low = not share >= settings.min_pair_precision
    words = f"{share:.0%} of its pairs are thought right, wanted {settings.min_pair_precision:.0%} or more"
    if unknown := candidate.get(PAIRS_UNKNOWN, 0.0):
        words += f"; of {unknown:.0%} nothing is known"
    return [(low, words)]


def mean_retrieval(figures: Mapping[str, float], kind: str) -> float | None:
    """Mean over the directions of one figure; None where there is none."""
    found = [value for name, value in figures.items() if name.startswith("retrieval/") and name.endswith(f"/{kind}")]
    return sum(found) / len(found) if found else None


def is_better(decision: Decision) -> bool:
    """Whether a candidate retrieves better than the best so far, or there was none to compare it with."""
    for kind in (LABELLED, UNLABELLED):
        if f"gate/best_{kind}" in decision.figures:
            return decision.figures[f"gate/{kind}"] > decision.figures[f"gate/best_{kind}"]
    return True


def _compared(candidate: Mapping[str, float], best: Mapping[str, float], kind: str) -> list[str]:
    """Names of one figure, of the directions that both were judged on."""
    for start in ("retrieval/", "natural/"):
        known = [name for name in candidate if name.startswith(start) and name.endswith(f"/{kind}") and name in best]
        if known:
            return known
    return []


def _collapsed(figures: Mapping[str, float], settings: GateSettings) -> list[str]:
    faults = []
    for name, value in sorted(figures.items()):
        kind, _, rest = name.partition("/")
        modality, _, figure = rest.rpartition("/")
        if kind != "collapse":
            continue
        # Written so that a NaN fails.
        if figure == "effective_rank" and not value >= settings.min_effective_rank:
            faults.append(f"{modality} has collapsed: effective rank {value:.1f}, wanted {settings.min_effective_rank}")
        if figure == "mean_cosine" and not value <= settings.max_mean_cosine:
            faults.append(f"{modality} has collapsed: mean cosine {value:.2f}, wanted {settings.max_mean_cosine}")
    return faults


def _judge_retrieval(
    candidate: Mapping[str, float],
    best: Mapping[str, float] | None,
    settings: GateSettings,
    error_of: Callable[[Sequence[str]], float],
) -> tuple[dict[str, float], list[tuple[bool, str]]]:
    """Summary figures, and what speaks against (True) or for the candidate."""
    is_labelled = mean_retrieval(candidate, LABELLED) is not None
    kind, chance_kind = (LABELLED, LABELLED) if is_labelled else (UNLABELLED, UNLABELLED_CHANCE)
    figure, lucky = mean_retrieval(candidate, chance_kind), mean_retrieval(candidate, f"chance_{chance_kind}")
    if figure is None or lucky is None:
        return {}, [(False, "no retrieval between modalities to judge: the collapse tests alone decide")]
    deviation = mean_retrieval(candidate, f"chance_sd_{chance_kind}") or 0.0
    wanted = settings.chance_factor * lucky if is_labelled else lucky + settings.chance_deviations * deviation
    low = not figure >= wanted
    words = [(low, f"{chance_kind} {figure:.3f} is {'not ' * low}above chance ({lucky:.3f}, wanted {wanted:.3f})")]
    summary = {f"gate/{chance_kind}": figure, f"gate/chance_{chance_kind}": lucky}
    known = _compared(candidate, best or {}, kind)
    if best is None or not known:
        return summary, [*words, (False, "it is the first to be judged")]
    own, rival = (sum(figures[name] for name in known) / len(known) for figures in (candidate, best))
    margin = settings.retrieval_errors * error_of(known)
    worse = not own >= rival - margin
    told = f"{'' if worse else 'not '}worse than the best so far ({rival:.3f}, less {margin:.3f} for luck)"
    words.append((worse, f"{kind} {own:.3f} is {told}"))
    return summary | {f"gate/{kind}": own, f"gate/best_{kind}": rival, "gate/margin": margin}, words
