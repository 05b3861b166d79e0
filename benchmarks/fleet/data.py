"""The streams that are disturbed: two modalities each, everybody has both, in an order drawn anew for each seed."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from benchmarks.fleet.disorders import DISORDERS
from deploy.recordings.files import read_recordings
from deploy.recordings.recordings import NS_PER_S, Recordings, arrange
from deploy.recordings.watch import GYROSCOPE, SHARED, START_NS, watch_recordings
from deploy.replay.plan import described
from encoders.modality import ModalitySpec
from streams.pipeline import Pipeline
from streams.records import SensorWindow
from streams.settings import BindingSettings, IngestSettings, ModalitySettings, StreamSettings

SPACING_S = 10
# Of a set with more only so many samples are drawn for each seed.
MAX_SAMPLES = 1200
MHEALTH_STEPS, MHEALTH_HZ = 100, 50.0


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What became of one run: for each sample, by source and start, whether its best partner was right.

    `natural_edges` is the share of shared windows that met their source's other one in a sample.
    """

    right: dict[tuple[str, int], bool]
    touched: frozenset[tuple[str, int]]
    natural_edges: float

    def precision(self, among: frozenset[tuple[str, int]] | None = None) -> float:
        """Share of right best partners, of all samples or of some."""
        hits = [hit for key, hit in self.right.items() if among is None or key in among]
        return float(np.mean(hits)) if hits else float("nan")


def find_sets(names: Sequence[str] = ()) -> dict[str, Recordings]:
    """The watch recordings, and UTD-MHAD and MHEALTH where `MMBIND_TEST_DATA` names a folder that holds them."""
    folder = Path(os.environ.get("MMBIND_TEST_DATA", "nowhere"))
    utd, mhealth = folder / "utd_mhad.npz", folder / "mhealth_chestacc_wristgyro.npz"
    readers: dict[str, tuple[bool, Callable[[], Recordings]]] = {
        "watch": (True, lambda: _two(watch_recordings(), SHARED, GYROSCOPE)),
        "utd": (utd.is_file(), lambda: _two(read_recordings(utd), "acc", "gyroscope")),
        "mhealth": (mhealth.is_file(), lambda: read_mhealth(mhealth)),
    }
    return {name: read() for name, (is_there, read) in readers.items() if is_there and (not names or name in names)}


def read_mhealth(file: Path) -> Recordings:
    """Windows of 2 s of chest acceleration and wrist gyroscope, scaled by the publisher of this copy."""
    with np.load(file, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in ("acc_chest", "gyro_wrist", "label", "subject")}

    def windows() -> Iterator[SensorWindow]:
        for i, (person, label) in enumerate(zip(arrays["subject"].tolist(), arrays["label"].tolist(), strict=True)):
            for name in ("acc_chest", "gyro_wrist"):
                start_ns = START_NS + i * SPACING_S * NS_PER_S
                yield SensorWindow(
                    source_id=f"person-{person}",
                    modality=name.replace("_", "-"),
                    start_ns=start_ns,
                    values=arrays[name][i],
                    label=label,
                )

    specs = [
        ModalitySpec(name=name, n_channels=3, n_steps=MHEALTH_STEPS, rate_hz=MHEALTH_HZ)
        for name in ("acc-chest", "gyro-wrist")
    ]
    return arrange("mhealth", specs, windows(), "acc-chest")


def in_random_order(recordings: Recordings, seed: int) -> list[SensorWindow]:
    """The windows, moved to an order of the samples that is drawn, one sample every 10 s."""
    groups: dict[tuple[str, int], list[SensorWindow]] = {}
    for one in recordings.windows:
        groups.setdefault((one.source_id, one.start_ns), []).append(one)
    keys = sorted(groups)
    order = np.random.default_rng([seed, 7]).permutation(len(keys))[:MAX_SAMPLES]
    return [
        msgspec.structs.replace(one, start_ns=START_NS + place * SPACING_S * NS_PER_S)
        for place, i in enumerate(order)
        for one in groups[keys[i]]
    ]


def run(recordings: Recordings, disorder: str, seed: int, binding: BindingSettings) -> Outcome:
    """Binds the disturbed stream from an empty history on, and compares with the labels."""
    windows = in_random_order(recordings, seed)
    disturbed = DISORDERS[disorder](windows, recordings.shared, np.random.default_rng([seed, 11]))
    settings = StreamSettings(
        modalities={name: ModalitySettings(**described(spec)) for name, spec in recordings.specs.items()},
        shared_modality=recordings.shared,
        ingest=IngestSettings(hop_s=SPACING_S),
        binding=binding,
    )
    pipeline = Pipeline(settings)
    bound = (pipeline.feed(disturbed) + pipeline.flush() + pipeline.review()).latest
    labels = {sample.sample_id: sample.label for sample, _ in bound}
    shared = [(sample, binding) for sample, binding in bound if recordings.shared in sample.windows]
    return Outcome(
        right={
            (sample.source_id, sample.start_ns): labels.get(binding.partners[0].sample_id) == sample.label
            for sample, binding in shared
            if binding.partners
        },
        touched=frozenset(
            (new.source_id, new.start_ns) for old, new in zip(windows, disturbed, strict=True) if new is not old
        ),
        natural_edges=float(np.mean([len(sample.windows) > 1 for sample, _ in shared])),
    )


def _two(recordings: Recordings, shared: str, other: str) -> Recordings:
    """All windows of two modalities, nobody held out."""
    kept = [one for one in recordings.windows if one.modality in (shared, other)]
    return arrange(recordings.name, [recordings.specs[name] for name in (shared, other)], kept, shared)
