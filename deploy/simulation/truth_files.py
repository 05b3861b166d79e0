"""What a simulated fleet really did, as files for other commands: recordings with labels, and a few labels."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from deploy.simulation.fleet import Fleet
from streams.records import SensorWindow
from streams.testing import NS_PER_S

WINDOWS, LABELS = "windows.npz", "labels.csv"


def write_truth(fleet: Fleet, windows: Sequence[SensorWindow], folder: Path) -> None:
    """Writes these windows of it, labelled, and a few labels: for `mmbind embed`, `finetune` and `labels spread`."""
    folder.mkdir(parents=True, exist_ok=True)
    truth, arrays = fleet.truth(), {}
    for name, spec in fleet.specs.items():
        own = [one for one in windows if one.modality == name]
        arrays[f"{name}.values"] = np.stack([one.values for one in own])
        arrays[f"{name}.source"] = np.array([one.source_id for one in own])
        arrays[f"{name}.start_ns"] = np.array([one.start_ns for one in own])
        arrays[f"{name}.label"] = np.array([truth[one.source_id, one.start_ns] for one in own])
        arrays[f"{name}.rate_hz"] = np.array(spec.rate_hz)
    with (folder / WINDOWS).open("wb") as opened:
        np.savez(opened, allow_pickle=False, **arrays)
    with (folder / LABELS).open("w", newline="", encoding="utf-8") as opened_text:
        writer = csv.writer(opened_text, lineterminator="\n")
        writer.writerow(("source_id", "start_s", "end_s", "label"))
        for one in fleet.few_labels():
            times = (f"{ns / NS_PER_S:.3f}" for ns in (one.start_ns or 0, one.end_ns or 0))
            writer.writerow((one.source_id, *times, one.label))
