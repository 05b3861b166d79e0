"""A version's model card: a README in the form that model hubs know, metadata in YAML and then text. Performs no I/O.

It is for people and is never read back. The same manifest and license give the same card.
"""

from collections.abc import Iterable, Sequence

from encoders.manifest import ModelManifest
from encoders.modality import ModalitySpec

CARD_NAME = "README.md"
# Of figures, ranges and reasons: the manifest has all.
MAX_ROWS = 200

# An identifier of SPDX, or of a model hub: apache-2.0, other.
LICENSE_PATTERN = "[A-Za-z0-9][A-Za-z0-9.+-]{0,99}"

FRONT = """---
{license}library_name: mmbind-stream
pipeline_tag: feature-extraction
tags:
- multimodal
- sensors
- time-series
- contrastive
---
"""


def model_card(manifest: ModelManifest, license_id: str = "") -> str:
    """The card's text.

    Args:
        license_id: Matches LICENSE_PATTERN; a card without one says nothing of it.
    """
    return "\n".join(
        [
            # In quotes: to YAML some ids would be numbers or booleans.
            FRONT.format(license=f'license: "{license_id}"\n' if license_id else ""),
            f"# Encoders, version {manifest.version}",
            "",
            f"One encoder for each modality, from windows to unit vectors of {manifest.dim} numbers in one space. "
            f"Windows were bound through `{manifest.shared_modality}`.",
            "",
            *_trained_on(manifest),
            *_judged(manifest),
            *_how_to_load(manifest),
            "## Limits",
            "",
            f"- Embeddings of two versions never mix: compare what version {manifest.version} made with nothing else"
            + (
                f", or carry the embeddings of version {manifest.parent} over first, with `LoadedModel.adapt`."
                if manifest.bridge
                else "."
            ),
            "- Windows are in their source's robust units (`Sample.scaled`); an encoder knows one shape and rate only.",
            "- The figures above are of the held-out sources of one deployment and hold for no other.",
            "",
        ]
    )


def _trained_on(manifest: ModelManifest) -> list[str]:
    parent = f"after version {manifest.parent}" if manifest.parent else "with no version before it"
    lines = [
        "## What it was trained on",
        "",
        f"Trained {parent}, on {len(manifest.trained_sources)} known sources.",
        "",
    ]
    lines += _table(("modality", "[steps, channels]", "rate in Hz", "unit", "channels"), _rows(manifest.modalities))
    if manifest.trained_on:
        ranges = ((one.topic, one.partition, one.first, one.end) for one in manifest.trained_on[:MAX_ROWS])
        lines += _table(("topic", "partition", "first offset", "up to, not including"), ranges)
    return lines


def _rows(specs: Sequence[ModalitySpec]) -> Iterable[tuple[object, ...]]:
    for spec in specs:
        shape = f"[{spec.n_steps}, {spec.n_channels}]"
        yield spec.name, shape, f"{spec.rate_hz:g}", spec.unit or "not given", ", ".join(spec.channels) or "not named"


def _judged(manifest: ModelManifest) -> list[str]:
    lines = [
        "## How it was judged",
        "",
        "On samples of sources that nothing was trained on, by a gate whose word stands in the topic `models`, under "
        f"`decision/{manifest.version}`.",
        "",
    ]
    if manifest.evaluation:
        figures = sorted(manifest.evaluation.items())[:MAX_ROWS]
        lines += _table(("figure", "value"), ((name, f"{value:.4g}") for name, value in figures))
    if manifest.missing_evidence:
        lines += ["Not judged:", "", *(f"- {_plain(reason)}" for reason in manifest.missing_evidence[:MAX_ROWS]), ""]
    return lines


def _how_to_load(manifest: ModelManifest) -> list[str]:
    shapes = ", ".join(
        f'"{one.name}": np.zeros((2, {one.n_steps}, {one.n_channels}), np.float32)' for one in manifest.modalities[:1]
    )
    return [
        "## How to load it",
        "",
        "From the folder above this one, with `pip install 'mmbind-stream[follower]'`:",
        "",
        "```python",
        "from pathlib import Path",
        "",
        "import numpy as np",
        "",
        "from encoders.bundle import load_bundle",
        "from encoders.loaded_model import LoadedModel",
        "from encoders.nets import load_encoders",
        "",
        f'bundle = load_bundle(Path("v{manifest.version}"))  # every file is compared with the manifest',
        "model = LoadedModel(bundle.manifest, load_encoders(bundle), bundle.bridge)",
        f"windows = {{{shapes}}}  # in their source's robust units",
        f"print(model.embed(windows).shape)  # (2, {manifest.dim})",
        "```",
        "",
    ]


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return [*(f"| {' | '.join(_plain(cell) for cell in line)} |" for line in lines), ""]


def _plain(cell: object) -> str:
    """One line that no table and no tag ends."""
    return " ".join(str(cell).replace("|", "\\|").replace("<", "&lt;").replace("`", "'").split())
