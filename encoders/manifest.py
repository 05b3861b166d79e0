"""What a published model says of itself. Performs no I/O.

Whoever may write to `models` may claim anything in a manifest: what it claims is bounded where it is decoded.
"""

from functools import cached_property
from typing import Annotated, Any

import msgspec

from encoders.modality import ModalitySpec
from encoders.schema import SCHEMA, schema_complaint

# What 64 bits hold: a time in ns, an offset, a version's number.
Count = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
MAX_DIM = 65_536
MAX_FILES = 1_000  # and modalities
# Of what is read at all: weights have some MB, a manifest some kB.
MAX_FILE_BYTES = 1 << 30
MAX_BUNDLE_BYTES = 4 << 30
MAX_MANIFEST_BYTES = 8 << 20


class BundleFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a model; `name` is relative to the registry's root."""

    name: Annotated[str, msgspec.Meta(max_length=1_000)]
    size_bytes: Count
    sha256: Annotated[str, msgspec.Meta(max_length=64)]


class LogRange(msgspec.Struct, frozen=True, kw_only=True):
    """Offsets of one partition: from `first` up to, not including, `end`."""

    topic: str
    partition: Count
    first: Count
    end: Count


class ModelManifest(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Everything a consumer must know of one immutable model version.

    `evaluation` maps a figure's name to its value, for instance
    `"retrieval/gravity->gyroscope/cmap"`; `missing_evidence` says in words what could not be judged.
    `trained_sources` are those whose windows were trained on, of very many the latest. `lineage` names the training it
    is of, by trainers that went on from one another's checkpoints; empty where nobody said. `bridge` is the file of the
    map from the parent's embeddings, see `encoders.bridge`. `signature` is of all other fields, also of
    those that only a later release knows.
    """

    version: Count
    parent: Count
    created_ns: Count
    modalities: Annotated[tuple[ModalitySpec, ...], msgspec.Meta(max_length=MAX_FILES)]
    shared_modality: str
    dim: Annotated[int, msgspec.Meta(ge=1, le=MAX_DIM)]
    files: Annotated[tuple[BundleFile, ...], msgspec.Meta(max_length=MAX_FILES)] = ()
    code_version: str = ""
    settings: dict[str, Any] = {}
    seed: int = 0
    evaluation: dict[str, float] = {}
    missing_evidence: tuple[str, ...] = ()
    trained_on: tuple[LogRange, ...] = ()
    trained_sources: tuple[str, ...] = ()
    lineage: str = ""
    bridge: BundleFile | None = None
    signature: Annotated[str, msgspec.Meta(max_length=1_000)] = ""
    schema: str = SCHEMA

    @cached_property
    def written(self) -> bytes:
        """Its JSON. Of one that was read it is what was read, with fields that only a later release knows."""
        return msgspec.json.encode(self)


class _Stamp(msgspec.Struct):
    schema: str = SCHEMA


def schema_of(data: bytes) -> str:
    """What a manifest, or any record in JSON, says of its schema, however little else of it can be read.

    Raises:
        msgspec.MsgspecError: If it is no JSON object.
    """
    return msgspec.json.decode(data, type=_Stamp).schema


def decode_manifest(data: bytes) -> ModelManifest:
    """A manifest that was read.

    Raises:
        ValueError: If it has a schema that cannot be read here; says what to do. If it is no manifest, or claims
            more than there can be: a msgspec.MsgspecError.
    """
    if complaint := schema_complaint(schema_of(data)):
        raise ValueError(complaint)
    manifest = msgspec.json.decode(data, type=ModelManifest)
    manifest.__dict__["written"] = data
    return manifest
