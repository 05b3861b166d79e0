"""What becomes of a disturbed stream: the product binds it, the labels judge it."""

from dataclasses import dataclass

import numpy as np

from benchmarks.default_settings import stream_settings
from benchmarks.fleet.data import in_random_order
from benchmarks.fleet.disorders import DISORDERS
from benchmarks.slots import SPACING_S
from deploy.recordings.recordings import Recordings
from streams.pipeline import Pipeline
from streams.settings import BindingSettings


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


def outcome_of(recordings: Recordings, disorder: str, seed: int, binding: BindingSettings) -> Outcome:
    """Binds the disturbed stream from an empty history on, and compares with the labels."""
    windows = in_random_order(recordings, seed)
    disturbed = DISORDERS[disorder](windows, recordings.shared, np.random.default_rng([seed, 11]))
    pipeline = Pipeline(stream_settings(recordings, ingest={"hop_s": SPACING_S}, binding=binding))
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
