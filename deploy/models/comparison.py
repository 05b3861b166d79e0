"""What differs between two versions, as rows: what, of the one, of the other, the difference. Performs no I/O."""

from typing import Any

import msgspec

from deploy.models.usable import known
from streams.models.channels import ChannelView

Row = tuple[str, str, str, str]


def compared(view: ChannelView, one: int, other: int) -> list[Row]:
    """All that differs, and all figures that both were judged by.

    Raises:
        CommandError: If one of them is unknown.
    """
    left, right = known(view, one), known(view, other)
    told = [msgspec.to_builtins(manifest) for manifest in (left, right)]
    rows: list[Row] = []
    for name in ("parent", "lineage", "created_ns", "code_version", "dim", "shared_modality", "trained_on"):
        rows += _differing(name, told[0][name], told[1][name])
    names = [{spec["name"]: spec for spec in manifest["modalities"]} for manifest in told]
    for name in sorted({*names[0], *names[1]}):
        rows += _differing(f"modality {name}", names[0].get(name, "none"), names[1].get(name, "none"))
    for name in sorted({*left.settings, *right.settings}):
        rows += _differing(f"settings.{name}", left.settings.get(name), right.settings.get(name))
    for name in sorted({*left.evaluation, *right.evaluation}):
        rows.append(_figure(name, left.evaluation.get(name), right.evaluation.get(name)))
    said = [(view.decisions[version].reason if version in view.decisions else "nothing") for version in (one, other)]
    return [*rows, ("gate", said[0], said[1], "")]


def _differing(name: str, one: Any, other: Any) -> list[Row]:
    if isinstance(one, dict) and isinstance(other, dict):
        keys = sorted({*one, *other})
        return [row for key in keys for row in _differing(f"{name}.{key}", one.get(key), other.get(key))]
    return [] if one == other else [(name, str(one), str(other), "")]


def _figure(name: str, one: float | None, other: float | None) -> Row:
    texts = ["" if value is None else f"{value:.4f}" for value in (one, other)]
    change = f"{other - one:+.4f}" if one is not None and other is not None else ""
    return name, texts[0], texts[1], change
