"""Everything that a version says of itself, as a person reads it. Performs no I/O and reads no clock."""

from collections.abc import Iterator

from deploy.models.listing import gate_word, utc_of
from encoders.manifest import BundleFile, ModelManifest
from encoders.modality import ModalitySpec
from streams.models.channels import ChannelView

MAX_SOURCES = 5
SUM_DIGITS = 12


def detail_rows(view: ChannelView, version: int) -> list[tuple[str, str]]:
    """What and its value: first the gate's word and the moves, then what it is, then its figures.

    Sums of files are cut, and of settings only their number is told: all of it stands in the JSON.
    """
    manifest, decision = view.manifests[version], view.decisions.get(version)
    moves = [move for name in view.channels for move in view.history(name) if move.version == version]
    return [
        ("gate", gate_word(view, version)),
        ("why", decision.reason if decision else ""),
        *((f"moved {one.channel}", f"{utc_of(one.at_ns)} {one.by}: {one.reason}") for one in moves),
        *_itself(manifest),
        *((name, f"{value:.4f}") for name, value in sorted(manifest.evaluation.items())),
        *(("not judged", one) for one in manifest.missing_evidence),
    ]


def _itself(manifest: ModelManifest) -> Iterator[tuple[str, str]]:
    yield (
        "made",
        f"{utc_of(manifest.created_ns)} from version {manifest.parent or 'none'}, code {manifest.code_version}",
    )
    for spec in manifest.modalities:
        is_shared = spec.name == manifest.shared_modality
        yield f"modality{', shared' * is_shared}", _modality(spec)
    yield "embedding", f"{manifest.dim} numbers"
    for file in (*manifest.files, *([manifest.bridge] if manifest.bridge else ())):
        yield "file", _file(file)
    yield "trained with", f"seed {manifest.seed}, {len(manifest.settings)} settings (--json)"
    for one in manifest.trained_on:
        yield "trained on", f"{one.topic}[{one.partition}] from {one.first} to {one.end}"
    if sources := manifest.trained_sources:
        more = f" and {len(sources) - MAX_SOURCES} more" * (len(sources) > MAX_SOURCES)
        yield "sources", ", ".join(sources[:MAX_SOURCES]) + more
    yield "signed", "yes" if manifest.signature else "no"


def _modality(spec: ModalitySpec) -> str:
    unit = f", {spec.unit}" if spec.unit else ""
    return f"{spec.name}: windows [{spec.n_steps}, {spec.n_channels}] at {spec.rate_hz:g} Hz{unit}"


def _file(file: BundleFile) -> str:
    return f"{file.name}, {file.size_bytes:,} bytes, sha256 {file.sha256[:SUM_DIGITS]}…"
