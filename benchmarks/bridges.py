"""Whether embeddings that an older version made are of use to a newer one, as they are and carried over by its bridge.

A set goes through the product's loop, which publishes versions. Stored are the fused embeddings of all samples that
were not held out, by version v; queries are those of held-out samples by version v+1 or v+2. Half of the held-out
samples fit the bridges, the other half asks, and the other way round.

`same ten` is recall@10: of the ten nearest that the newer version finds among its own embeddings, how many are found
among the older one's. `same label` is the share of the ten that have the query's label. Distance 0 is between the last
versions of two trainings with other seeds.

    python -m benchmarks.bridges --sets utd,watch --json bridges.json
"""

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from benchmarks.command_line import add_sets, parser_of, write_json
from benchmarks.data_sets import UTD, WATCH
from benchmarks.fingerprint import recordings_of
from deploy.recordings.recordings import Recordings
from deploy.recordings.truth import Truth
from deploy.replay.loop import Loop
from deploy.replay.plan import ReplayPlan
from encoders.bridge import apply_map, fit_bridge, procrustes
from encoders.nets import EncoderFunction
from streams.models.registry import Registry
from streams.records import Sample

NEAREST = 10
STEPS = (1, 2)


# Of one distance between versions, means over all v and both halves; `new` is the newer one on its own.
FIGURES = (
    "cosine_as_is",
    "cosine_mapped",
    "same_ten_as_is",
    "same_ten_mapped",
    "same_label_as_is",
    "same_label_mapped",
    "same_label_new",
)


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """What one version makes of the samples: fused `[N, dim]`, and each modality's rows with their samples' places."""

    fused: np.ndarray
    rows: np.ndarray
    places: np.ndarray

    def rows_of(self, chosen: np.ndarray) -> np.ndarray:
        """All modalities' rows of these samples, stacked."""
        rows: np.ndarray = self.rows[np.isin(self.places, chosen)]
        return rows


def embedded(encoders: Mapping[str, EncoderFunction], samples: Sequence[Sample]) -> Embedded:
    """Embeds the samples with all modalities that they have."""
    dim = next(iter(encoders.values())).dim
    total = np.zeros((len(samples), dim), np.float32)
    rows, places = [], []
    for name in sorted(encoders):
        having = np.array([i for i, one in enumerate(samples) if name in one.windows])
        if len(having):
            rows.append(encoders[name](np.stack([samples[i].scaled(name) for i in having])))
            places.append(having)
            total[having] += rows[-1]
    length = np.linalg.norm(total, axis=1, keepdims=True)
    fused = total / np.maximum(length, np.finfo(np.float32).tiny)
    return Embedded(fused, np.concatenate(rows), np.concatenate(places))


def versions_of(recordings: Recordings, n_steps: int, seed: int) -> tuple[Loop, list[int]]:
    """A replay of the recordings, and the versions that it published with all of the last one's modalities."""
    settings = ReplayPlan(recordings, seed=seed, train_steps=n_steps).settings()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        loop = Loop(settings, Registry(folder))
        loop.replay(recordings.visible)
    last = set(loop.weights[max(loop.weights)])
    return loop, [version for version in sorted(loop.weights) if set(loop.weights[version]) == last]


def measured(recordings: Recordings, n_steps: int, seed: int) -> list[dict[str, float]]:
    """The figures of one set."""
    loop, versions = versions_of(recordings, n_steps, seed)
    samples = [one for one in loop.samples.values() if any(name in loop.weights[versions[-1]] for name in one.windows)]
    stored = np.array([i for i, one in enumerate(samples) if not one.held_out])
    asking = np.array([i for i, one in enumerate(samples) if one.held_out])
    halves = np.array_split(np.random.default_rng(seed).permutation(asking), 2)
    truth = Truth(recordings, loop.settings.ingest.hop_s).labels(samples)
    labels = np.array([str(truth.get(one.sample_id)) for one in samples])
    by_version = [_by(loop, version, samples) for version in versions]
    other, its_versions = versions_of(recordings, n_steps, seed + 1)
    chains = {
        distance: [by_version[first : first + distance + 1] for first in range(len(versions) - distance)]
        for distance in STEPS
    }
    chains[0] = [[by_version[-1], _by(other, its_versions[-1], samples)]]
    found = []
    for distance, some in chains.items():
        each = [_one(chain, stored, halves[side], halves[1 - side], labels) for chain in some for side in (0, 1)]
        if each:
            means = dict(zip(FIGURES, np.mean(each, axis=0).tolist(), strict=True))
            found.append({"distance": distance, "n_pairs": len(some)} | means)
    print(f"{len(versions)} versions, {len(stored)} stored, {len(asking)} ask; {_qualities(by_version, asking)}")
    return found


def _by(loop: Loop, version: int, samples: Sequence[Sample]) -> Embedded:
    specs = loop.settings.specs
    encoders = {name: EncoderFunction(specs[name], own) for name, own in loop.weights[version].items()}
    return embedded(encoders, samples)


def _one(
    chain: Sequence[Embedded], stored: np.ndarray, fitting: np.ndarray, asking: np.ndarray, labels: np.ndarray
) -> tuple[float, ...]:
    """The figures after `n_pairs` of the oldest version's embeddings for the newest one's queries."""
    old, new = chain[0].fused[stored], chain[-1].fused[stored]
    mapped = old
    for one, other in pairwise(chain):
        mapped = apply_map(mapped, procrustes(one.rows_of(fitting), other.rows_of(fitting)))
    queries = chain[-1].fused[asking]
    tens = [np.argsort(-queries @ gallery.T, axis=1)[:, :NEAREST] for gallery in (old, mapped, new)]
    same = [
        float(np.mean([len(set(a) & set(b)) for a, b in zip(ten, tens[2], strict=True)])) / NEAREST for ten in tens[:2]
    ]
    right = [float((labels[stored][ten] == labels[asking][:, None]).mean()) for ten in tens]
    return float((old * new).sum(1).mean()), float((mapped * new).sum(1).mean()), *same, *right


def _qualities(by_version: Sequence[Embedded], asking: np.ndarray) -> str:
    """What the bridges say of themselves, from all held-out samples."""
    bridges = [fit_bridge(one.rows_of(asking), other.rows_of(asking)) for one, other in pairwise(by_version)]
    return "bridge/cosine " + " ".join(f"{one.cosine:.3f}" if one else "none" for one in bridges)


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line as read: the sets, the steps of training and the seed."""
    parser = parser_of(__doc__)
    add_sets(parser, (WATCH, UTD))
    parser.add_argument("--steps", default=600, type=int)
    parser.add_argument("--seed", default=0, type=int)
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> None:
    """Replays the sets, prints a table, writes the same as JSON."""
    asked = arguments(given)
    found = {name: measured(recordings_of(name), asked.steps, asked.seed) for name in asked.sets}
    table = Table("set", "distance", "n_pairs", *FIGURES)
    for name, rows in found.items():
        for one in rows:
            table.add_row(name, *(f"{value:.3f}" if isinstance(value, float) else str(value) for value in one.values()))
    Console().print(table)
    if asked.json:
        write_json(found, asked.json)


if __name__ == "__main__":
    main()
