"""Fine-tuned accuracy by arm and number of labels as a table, next to what MMBind's authors print."""

from collections.abc import Mapping, Sequence

from rich.table import Table

from benchmarks.learning.protocol import LABELS, LOWER
from benchmarks.learning.rows import Row
from benchmarks.learning.table import percent
from benchmarks.spread import Spread, spread

KEYS = ("accuracy", "macro_f1", "features")
# By name: what an encoder was before it saw a label. All but the first are arms of the main benchmark.
ARMS = {
    LOWER: "lower: labels only",
    "autoencoder": "unimodal autoencoders",
    "dummies/plain": "MIM: zeros for what is missing",
    "presence/plain": "MPM: zeros and presence",
    "generated/plain": "CMG: the missing generated",
    "masked/plain": "DCM: masked, within and between modalities",
    "natural/plain": "ImageBind-style: natural edges",
    "mmbind/plain": "MMBind: top-1 raw cosine, its weights",
    "mmbind-encoder/plain": "MMBind: top-1 by its autoencoder",
    "ours/soft": "ours",
    "oracle/soft": "pairs by the true label",
    "complete/plain": "upper: complete data",
}
# What MMBind's authors print for UTD-MHAD (5 seeds, other networks, 300 epochs): accuracy, %, by number of labels.
PRINTED: dict[str, dict[str, dict[int, float]]] = {
    "skeleton": {
        "lower": dict(zip(LABELS, (42.2, 53.6, 61.1, 64.0), strict=True)),
        "unimodal": dict(zip(LABELS, (55.0, 65.4, 66.2, 68.3), strict=True)),
        "MIM": dict(zip(LABELS, (53.3, 62.6, 65.8, 66.8), strict=True)),
        "MMBind": dict(zip(LABELS, (61.8, 69.7, 73.0, 74.3), strict=True)),
        "upper, two views": dict(zip(LABELS, (58.3, 67.6, 68.2, 70.5), strict=True)),
    },
    "acc": {"DCM": {216: 61.3}, "ImageBind": {216: 63.0}},
}


def summary(rows: Sequence[Row]) -> dict[str, dict[str, Spread]]:
    """Mean and sd of each figure by arm."""
    return {
        arm: {key: spread(row.encoders[key] for row in rows if row.arm == arm) for key in sorted(rows[0].encoders)}
        for arm in dict.fromkeys(row.arm for row in rows)
    }


def table(figures: Mapping[str, Mapping[str, Spread]], labels: Sequence[int], title: str, shared: str = "") -> Table:
    """Accuracy, macro-F1 and accuracy on frozen features by number of labels; below, what MMBind's authors print."""
    shown = Table(title=title)
    for name in ("arm", *map(str, labels)):
        shown.add_column(name, justify="left" if name == "arm" else "right")
    for arm, one in figures.items():
        cells = []
        for n_labels in labels:
            found = [one[f"{key}/{n_labels}"] for key in KEYS]
            cells.append(" / ".join(percent(part) for part in found))
        shown.add_row(ARMS[arm], *cells)
    shown.add_section()
    for name, printed in PRINTED.get(shared, {}).items():
        shown.add_row(f"printed: {name}", *(f"{printed[one]:.1f}" if one in printed else "-" for one in labels))
    return shown
