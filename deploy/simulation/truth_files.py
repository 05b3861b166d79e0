"""What a simulated fleet really did, as files for other commands: recordings with labels, and a few labels."""

import csv
from pathlib import Path

import numpy as np

from deploy.simulation.fleet import Fleet
from streams.testing import NS_PER_S

WINDOWS, LABELS = "windows.npz", "labels.csv"


def write_truth(fleet: Fleet, folder: Path) -> None:
    """Writes all windows, labelled, for `mmbind embed` and `finetune`, and a few labels for `mmbind labels spread`."""
    folder.mkdir(parents=True, exist_ok=True)
    windows, arrays = list(fleet.labelled()), {}
    for name, spec in fleet.specs.items():
        own = [one for one in windows if one.modality == name]
        arrays[f"{name}.values"] = np.stack([one.values for one in own])
        arrays[f"{name}.source"] = np.array([one.source_id for one in own])
        arrays[f"{name}.start_ns"] = np.array([one.start_ns for one in own])
        arrays[f"{name}.label"] = np.array([str(one.label) for one in own])
        arrays[f"{name}.rate_hz"] = np.array(spec.rate_hz)
    with (folder / WINDOWS).open("wb") as opened:
        np.savez(opened, allow_pickle=False, **arrays)
    with (folder / LABELS).open("w", newline="", encoding="utf-8") as opened_text:
        writer = csv.writer(opened_text, lineterminator="\n")
        writer.writerow(("source_id", "start_s", "end_s", "label"))
        for one in fleet.few_labels():
            times = (f"{ns / NS_PER_S:.3f}" for ns in (one.start_ns or 0, one.end_ns or 0))
            writer.writerow((one.source_id, *times, one.label))
