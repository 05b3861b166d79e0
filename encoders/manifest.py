"""What a published model says of itself. Performs no I/O."""

from typing import Any

import msgspec

from encoders.modality import ModalitySpec


class BundleFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a model; `name` is relative to the registry's root."""

    name: str
    size_bytes: int
    sha256: str


class LogRange(msgspec.Struct, frozen=True, kw_only=True):
    """Offsets of one partition: from `first` up to, not including, `end`."""

    topic: str
    partition: int
    first: int
    end: int


class ModelManifest(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a consumer must know of one immutable model version.

    `evaluation` maps a figure's name to its value, for instance
    `"retrieval/gravity->gyroscope/cmap"`; `missing_evidence` says in words what could not be judged.
    `trained_sources` are those whose windows were trained on, of very many the latest. `lineage` names the training it
    is of, by trainers that went on from one another's checkpoints; empty where nobody said.
    """

    version: int
    parent: int
    created_ns: int
    modalities: tuple[ModalitySpec, ...]
    shared_modality: str
    dim: int
    files: tuple[BundleFile, ...] = ()
    code_version: str = ""
    settings: dict[str, Any] = {}
    seed: int = 0
    evaluation: dict[str, float] = {}
    missing_evidence: tuple[str, ...] = ()
    trained_on: tuple[LogRange, ...] = ()
    trained_sources: tuple[str, ...] = ()
    lineage: str = ""
