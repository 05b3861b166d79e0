"""What a run came to, by the harness's own reading of topics and checkpoints."""

import subprocess
import sys
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import torch

from tests.chaos.lineage import Lineage, forked
from tests.chaos.reading import Reading, read_topics
from tests.chaos.rebuilt import differs_from_living
from tests.chaos.sensors import Moment, WindowKey
from tests.chaos.stage import Stage
from trainer.checkpoints.checkpoint import CheckpointFolder

AUDIT_S = 300.0
AUDIT_LOG_CUT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Counts are of windows (`sent`, `excused`, `lost`, `duplicated`), natural pairs (`split`), samples and Bindings.

    `rewritten` are samples that came again with other windows under the same id.

    `faults` has a sentence for everything that must not be; the run is good where it is empty. `audit` is the exit code
    of `mmbind audit`.
    """

    sent: int
    excused: int
    lost: int
    rejected: int
    duplicated: int
    moments: int
    split: int
    rewritten: int
    unbound: int
    trained_twice: int
    untrained: int
    versions: int
    audit: int
    reasons: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    recoveries_s: dict[str, list[float]] = field(default_factory=dict)
    silences_s: list[float] = field(default_factory=list)


def judge(stage: Stage, cuts: Collection[str] = ()) -> Verdict:
    """The verdict on a stage whose services have ended; `cuts` are the topics of which the faults deleted something."""
    torch.set_num_threads(1)  # as the services have it: last bits depend on it
    settings = stage.farm.settings
    reading = read_topics(stage.direct, stage.farm.names)
    lineage = Lineage(CheckpointFolder(stage.trainer_dir / "checkpoints"), reading)
    counts = _counts(stage, reading) | {"trained_twice": lineage.n_twice, "untrained": lineage.n_left_out}
    wanted_zero = ("lost", "rejected", "duplicated", "split", "unbound", "trained_twice", "untrained")
    faults = [f"{name}: {counts[name]}" for name in wanted_zero if counts[name]]
    faults += [f"changed on the way: {one}" for one in reading.changed(list(stage.sensors.taken.values()))[:3]]
    faults += [f"forked: {one}" for one in forked(reading)]
    faults += [f"refused by the broker: {one}" for one in stage.sensors.refused[:3]]
    if unlike := lineage.differs_from_retraining(settings) if "pairs" not in cuts else "":
        faults.append(f"weights: {unlike}")
    if unlike := differs_from_living(stage.direct, settings, reading):
        faults.append(f"index: {unlike}")
    audit, said = _audited(stage)
    if audit != (AUDIT_LOG_CUT if cuts else 0):
        faults.append(f"mmbind audit: {audit}: {said}")
    return Verdict(
        **counts,
        versions=len(reading.models.manifests),
        audit=audit,
        reasons=dict(reading.reasons),
        faults=stage.faults + faults,
        notes=stage.notes,
        recoveries_s=stage.recoveries,
        silences_s=stage.silences_s,
    )


def _counts(stage: Stage, reading: Reading) -> dict[str, Any]:
    wanted = stage.sensors.taken.keys() - stage.excused
    companions: dict[Moment, list[WindowKey]] = defaultdict(list)
    for source, modality, start_ns in wanted:
        companions[source, start_ns].append((source, modality, start_ns))
    natural = [keys for keys in companions.values() if len(keys) > 1]
    whole = [keys for keys in natural if all(key in reading.homes for key in keys)]
    apart = [keys for keys in whole if not set.intersection(*(reading.homes[key] for key in keys))]
    for keys in apart[:3]:
        stage.notes.append("split: " + ", ".join(f"{key[1]} in {sorted(reading.homes[key])}" for key in keys))
    lost = sorted(key for key in wanted if key not in reading.homes and key not in reading.rejected)
    stage.notes.extend(f"lost: {key}, {_place_of(stage, key)}; {reading.told_of(key)}" for key in lost[:3])
    return {
        "sent": len(stage.sensors.taken),
        "excused": len(stage.excused),
        "lost": len(lost),
        "rejected": sum(key not in reading.homes and key in reading.rejected for key in wanted),
        "duplicated": sum(len(reading.homes.get(key, ())) > 1 for key in wanted),
        "moments": len(natural),
        "split": len(apart),
        "rewritten": len(reading.rewritten),
        "unbound": len(reading.sample_by_id.keys() - {one.sample_id for _, one in reading.bindings}),
    }


def _place_of(stage: Stage, key: WindowKey) -> str:
    taken = stage.sensors.taken[key]
    return f"{taken.topic}[{taken.partition}]@{taken.offset}"


def _audited(stage: Stage) -> tuple[int, str]:
    """The exit code of `mmbind audit` and its last words."""
    command = [sys.executable, "-m", "deploy.cli", "audit", "--config", str(stage.folder / "mmbind.toml")]
    command += ["--checkpoints", str(stage.trainer_dir / "checkpoints")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=AUDIT_S, check=False)
    (stage.folder / "audit.txt").write_text(done.stdout + done.stderr)
    return done.returncode, (done.stdout + done.stderr).strip()[-400:]
