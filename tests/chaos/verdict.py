"""What a run came to, by the harness's own reading of topics and checkpoints."""

import subprocess
import sys
from collections.abc import Collection
from dataclasses import asdict, dataclass, field

import torch

from tests.chaos.counts import Counts, count
from tests.chaos.lineage import Lineage, forked
from tests.chaos.reading import read_topics
from tests.chaos.rebuilt import differs_from_living
from tests.chaos.stage import Stage
from trainer.checkpoints.checkpoint import CheckpointFolder

WANTED_ZERO = ("lost", "rejected", "duplicated", "split", "unbound", "trained_twice", "untrained")
AUDIT_S = 300.0
AUDIT_LOG_CUT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The run is good where `faults`, a sentence for everything that must not be, is empty.

    `trained_twice` Bindings were admitted more than once, `untrained` ones were passed over; `audit` is the exit code
    of `mmbind audit`.
    """

    counts: Counts
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
    counts, examples = count(stage.sensors.taken, stage.excused, reading, stage.witness.bound_s.keys())
    n_left_out = {"trained_twice": lineage.n_twice, "untrained": lineage.n_left_out}
    faults = [f"{name}: {n}" for name, n in (asdict(counts) | n_left_out).items() if n and name in WANTED_ZERO]
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
        counts=counts,
        **n_left_out,
        versions=len(reading.models.manifests),
        audit=audit,
        reasons=dict(reading.reasons),
        faults=stage.faults + faults,
        notes=stage.notes + examples,
        recoveries_s=stage.recoveries,
        silences_s=stage.silences_s,
    )


def _audited(stage: Stage) -> tuple[int, str]:
    """The exit code of `mmbind audit` and its last words."""
    command = [sys.executable, "-m", "deploy.cli", "audit", "--config", str(stage.folder / "mmbind.toml")]
    command += ["--checkpoints", str(stage.trainer_dir / "checkpoints")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=AUDIT_S, check=False)
    (stage.folder / "audit.txt").write_text(done.stdout + done.stderr)
    return done.returncode, (done.stdout + done.stderr).strip()[-400:]
