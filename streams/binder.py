"""From samples to Bindings: who, of another source, did the same at some other time. Performs no I/O, reads no clock.

The law: what comes out does not depend on how the stream is cut into micro-batches, to the last bit. Whatever rows
learn from later ones (neighbourhoods, use counts) and whatever changes structure (sealed segments, dropped ones) takes
effect at a counted row, and matrix products have one fixed shape.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from encoders.modality import ModalitySpec
from streams.calibration import Calibration
from streams.descriptor import moves
from streams.generation import Embedding, EncoderFunction, Generation, GenerationBuild
from streams.neighbourhood import BLOCK_ROWS
from streams.records import Binding, Outcome, Partner, Sample
from streams.scoring import Assignment, Candidates, assign
from streams.settings import BindingSettings, IndexSettings
from streams.stopwatch import Stopwatch
from streams.store import SampleStore


class Swap(NamedTuple):
    """A change of generation: after how many observed samples it was begun, and after how many it took effect."""

    version: int
    built_at: int
    swapped_at: int


class Binder:
    """Binds each sample to earlier ones of other sources by the shared modality.

    Not for several threads at once, but `GenerationBuild.run` may go on in another one.

    Args:
        spec: The shared modality.
        shared: Its name in the samples.
        binding: How partners are chosen.
        index: The history's size and its index.
        worker: Its name in the Bindings.
        specs: All modalities by name, for an estimate of how many pairs are right; without them there is none.
        stopwatch: Is told what embedding and search of new samples took.
    """

    def __init__(
        self,
        spec: ModalitySpec,
        shared: str,
        binding: BindingSettings | None = None,
        index: IndexSettings | None = None,
        worker: str = "",
        specs: Mapping[str, ModalitySpec] | None = None,
        stopwatch: Stopwatch | None = None,
    ) -> None:
        self.sequence = 0
        self.swaps: list[Swap] = []
        self.store = SampleStore(spec, shared, index or IndexSettings())
        self._spec = spec
        self._shared = shared
        self._settings = binding or BindingSettings()
        self._index_settings = index or IndexSettings()
        self._worker = worker
        self._stopwatch = stopwatch
        self._generation = self._new_generation(0, None)
        self._builds: list[GenerationBuild] = []
        self.calibration: Calibration | None = None
        if specs is not None and self._settings.calibration:
            self.calibration = Calibration(
                specs,
                shared,
                self._settings.hub_correction,
                descriptor=self._settings.descriptor,
                withhold_after=self._settings.withhold_after,
            )
        self._used: list[Assignment] = []
        # Samples that are known but not held, so that a second one gives no second Binding.
        self._passed: dict[str, None] = {}

    @property
    def version(self) -> int:
        """The model version that binds now."""
        return self._generation.version

    @property
    def generation(self) -> Generation:
        """The generation that binds now."""
        return self._generation

    def observe(self, samples: Sequence[Sample], partition: int = 0) -> list[Binding]:
        """One Binding for each new sample, in order; a sample whose id is known gives none.

        Args:
            samples: Their scalings cover the shared modality where they have it.
            partition: Where they came from, for `forget_partition`.
        """
        bindings: list[Binding] = []
        for sample, outcome, partners in self._take(samples, partition):
            self.sequence += 1
            bindings.append(
                Binding(
                    sample_id=sample.sample_id,
                    round=0,
                    model_version=self._generation.version,
                    outcome=outcome,
                    partners=partners,
                    worker=self._worker,
                    sequence=self.sequence,
                )
            )
        return bindings

    def remember(self, samples: Sequence[Sample], partition: int = 0) -> None:
        """Takes samples that were bound before: the same changes of state, no Bindings."""
        self._take(samples, partition)

    def forget_partition(self, partition: int) -> None:
        """Samples of that partition are nobody's partner from now on, and are new if they come again."""
        rows = self.store.forget_partition(partition)
        for build in self._builds:
            build.forgotten.append(rows)
        self._generation.index.forget(rows)

    def begin_build(self, version: int, encoder: EncoderFunction | None) -> GenerationBuild:
        """The generation of a new model over the present history, whose `run` does the work in any thread."""
        build = GenerationBuild(self._new_generation(version, encoder), self.store, self.sequence)
        self._builds.append(build)
        return build

    def swap(self, build: GenerationBuild) -> Swap:
        """Binds with that generation from the next sample on, after it caught up."""
        retired, self._generation = self._generation, build.finish()
        retired.index.close()
        if self.calibration is not None:
            self.calibration.restart()
        self.swaps.append(Swap(build.version, build.built_at, self.sequence))
        self._builds.remove(build)
        return self.swaps[-1]

    def abandon(self, build: GenerationBuild) -> None:
        """Lets go of a build that will not be swapped in."""
        self._builds.remove(build)
        build.generation.index.close()

    def _new_generation(self, version: int, encoder: EncoderFunction | None) -> Generation:
        embedding = Embedding(self._spec, encoder, self._settings.learned_share, self._settings.descriptor)
        return Generation(version, embedding, self._index_settings, self._settings.neighbours, self.store.first_row)

    def _take(self, samples: Sequence[Sample], partition: int) -> list[tuple[Sample, Outcome, tuple[Partner, ...]]]:
        """The new samples with what became of them."""
        outcomes = self._sort_out(samples)
        queried = [sample for sample, outcome in outcomes if outcome == "bound"]
        found = iter(self._bind(queried, partition))
        taken: list[tuple[Sample, Outcome, tuple[Partner, ...]]] = []
        for sample, outcome in outcomes:
            partners = next(found) if outcome == "bound" else ()
            if not partners and outcome == "bound":
                outcome = "withheld" if partners is None else "alone"
            taken.append((sample, outcome, partners or ()))
        return taken

    def _sort_out(self, samples: Sequence[Sample]) -> list[tuple[Sample, Outcome]]:
        """The samples not known yet, each with "bound" if it may be, else why not."""
        name = self._shared
        fresh: dict[str, Sample] = {}
        for sample in samples:
            if sample.sample_id not in self.store and sample.sample_id not in self._passed:
                fresh.setdefault(sample.sample_id, sample)
        shared = [sample for sample in fresh.values() if name in sample.windows and not sample.held_out]
        moving = iter(moves(np.stack([sample.windows[name] for sample in shared])).tolist() if shared else [])
        outcomes: list[tuple[Sample, Outcome]] = []
        for sample in fresh.values():
            outcome: Outcome = "held-out" if sample.held_out else "no-shared-modality"
            if name in sample.windows and not sample.held_out:
                outcome = "bound" if next(moving) else "alone"
            if outcome != "bound":
                self._pass_by(sample.sample_id)
            outcomes.append((sample, outcome))
        return outcomes

    def _pass_by(self, sample_id: str) -> None:
        self._passed[sample_id] = None
        if len(self._passed) > self._index_settings.history_samples:
            del self._passed[next(iter(self._passed))]

    def _bind(self, samples: Sequence[Sample], partition: int) -> list[tuple[Partner, ...] | None]:
        """Partners of samples that are taken into the history; None where they are withheld."""
        partners: list[tuple[Partner, ...] | None] = []
        start = 0
        while start < len(samples):
            piece = samples[start : start + self.store.room]
            first = row = self.store.n_rows
            self.store.append(piece, partition)
            for candidates in self._generation.follow(self.store, self.store.n_rows, self._stopwatch):
                assignment = assign(candidates, self.store.use(candidates.rows), self._settings)
                mine = piece[row - first : row - first + len(candidates.rows)]
                row += len(mine)
                self._count_use(assignment, row)
                partners += self._judged(mine, candidates, assignment)
            start += len(piece)
        return partners

    def _count_use(self, assignment: Assignment, row: int) -> None:
        """Use counts from the next block on."""
        self._used.append(assignment)
        if row % BLOCK_ROWS == 0:
            rows = np.concatenate([one.rows.ravel() for one in self._used])
            amounts = np.concatenate([one.probabilities.ravel() for one in self._used])
            self.store.add_use(rows[rows >= 0], amounts[rows >= 0])
            self._used.clear()

    def _judged(
        self, samples: Sequence[Sample], candidates: Candidates, assignment: Assignment
    ) -> list[tuple[Partner, ...] | None]:
        """The partners with their confidence, or None for those that are withheld."""
        if self.calibration is None:
            return [*self._partners(assignment, None)]
        withholds = self.calibration.withholds
        confidence = self.calibration.observe(samples, candidates, assignment, self._generation.index.cosines)
        partners = self._partners(assignment, confidence)
        return [None if withholds and one else one for one in partners]

    def _partners(self, assignment: Assignment, confidence: np.ndarray | None) -> list[tuple[Partner, ...]]:
        found = assignment.probabilities > 0
        ids = iter(self.store.ids(assignment.rows[found].tolist()))
        unknown = [[None] * found.shape[1]] * len(found)
        confidences = unknown if confidence is None else confidence.tolist()
        numbers = zip(assignment.similarities.tolist(), assignment.probabilities.tolist(), confidences, strict=True)
        return [
            tuple(
                Partner(sample_id=next(ids), similarity=similarity, probability=probability, confidence=confident)
                for similarity, probability, confident in zip(*row, strict=True)
                if probability > 0
            )
            for row in numbers
        ]
