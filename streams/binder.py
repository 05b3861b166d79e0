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
from streams.review import Asked, Encoders, Review
from streams.scoring import Assignment, Candidates, assign
from streams.settings import BindingSettings, IndexSettings
from streams.stopwatch import Stopwatch
from streams.store import SampleStore


class Swap(NamedTuple):
    """A change of generation: after how many observed samples it was begun, and after how many it took effect."""

    version: int
    built_at: int
    swapped_at: int


class _Again(NamedTuple):
    """Samples that were asked again, and in which round."""

    round: int = 0
    asked: Sequence[Asked] = ()
    withheld: bool = False


class _Taken(NamedTuple):
    """What became of one new sample, and who was asked again once it was there."""

    sample: Sample
    outcome: Outcome
    partners: tuple[Partner, ...]
    again: _Again


class Binder:
    """Binds each sample to earlier ones of other sources by the shared modality, and asks again as more are known.

    Not for several threads at once, but `GenerationBuild.run` may go on in another one.

    Args:
        spec: The shared modality.
        shared: Its name in the samples.
        binding: How partners are chosen.
        index: The history's size and its index.
        worker: Its name in the Bindings.
        specs: All modalities by name, for an estimate of how many pairs are right, and to ask again with a model's
            other encoders; without them there is neither.
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
        self._stopwatch = stopwatch or Stopwatch()
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
        self._review = Review(specs or {shared: spec}, shared, self._settings)
        self._round = 0
        self._asks_again = False
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

        Between them come those of later rounds, where earlier samples were asked again: see `review`.

        Args:
            samples: Their scalings cover the shared modality where they have it.
            partition: Where they came from, for `forget_partition`.
        """
        bindings = self.review() if self._asks_again and samples else []
        for sample, outcome, partners, again in self._take(samples, partition):
            self.sequence += 1
            bindings.append(self._binding(sample.sample_id, 0, outcome, partners))
            bindings += self._later_round(again)
        return bindings

    def remember(self, samples: Sequence[Sample], partition: int = 0) -> None:
        """Takes samples that were bound before: the same changes of state, no Bindings."""
        self._take(samples, partition, asks_again=False)

    def review(self) -> list[Binding]:
        """Asks the last samples again, all together, and gives their Bindings of a new round.

        `observe` does it by itself as the history grows, and when it is first called after a swap.
        """
        self._asks_again = False
        return self._later_round(self._ask_again())

    def forget_partition(self, partition: int) -> None:
        """Samples of that partition are nobody's partner from now on, and are new if they come again."""
        rows = self.store.forget_partition(partition)
        self._review.forget_partition(partition)
        for build in self._builds:
            build.forgotten.append(rows)
        self._generation.index.forget(rows)

    def begin_build(self, version: int, encoders: Encoders | None = None) -> GenerationBuild:
        """The generation of a new model over the present history, whose `run` does the work in any thread.

        Args:
            version: The model's.
            encoders: Of its modalities by name; without that of the shared one, it binds as generation 0 does.
        """
        encoders = encoders or {}
        generation = self._new_generation(version, encoders.get(self._shared))
        build = GenerationBuild(generation, self.store, self.sequence, encoders)
        self._builds.append(build)
        return build

    def swap(self, build: GenerationBuild) -> Swap:
        """Binds with that generation from the next sample on, after it caught up."""
        retired, self._generation = self._generation, build.finish()
        retired.index.close()
        if self.calibration is not None:
            self.calibration.restart()
        self._review.use(build.encoders)
        self._asks_again = True
        self.swaps.append(Swap(build.version, build.built_at, self.sequence))
        self._builds.remove(build)
        return self.swaps[-1]

    def abandon(self, build: GenerationBuild) -> None:
        """Lets go of a build that will not be swapped in."""
        self._builds.remove(build)
        build.generation.index.close()

    def _new_generation(self, version: int, encoder: EncoderFunction | None) -> Generation:
        embedding = Embedding(self._spec, encoder, self._settings.learned_share, self._settings.descriptor)
        settings, first_row = self._settings, self.store.first_row
        return Generation(
            version, embedding, self._index_settings, settings.neighbours, first_row, settings.lag_tolerant
        )

    def _binding(self, sample_id: str, round_: int, outcome: Outcome, partners: tuple[Partner, ...]) -> Binding:
        return Binding(
            sample_id=sample_id,
            round=round_,
            model_version=self._generation.version,
            outcome=outcome,
            partners=partners,
            worker=self._worker,
            sequence=self.sequence,
        )

    def _later_round(self, again: _Again) -> list[Binding]:
        if again.withheld:
            return [self._binding(one.sample_id, again.round, "withheld", ()) for one in again.asked]
        return [
            self._binding(one.sample_id, again.round, "bound" if one.partners else "alone", one.partners)
            for one in again.asked
        ]

    def _ask_again(self) -> _Again:
        with self._stopwatch.timed("review"):
            asked = self._review.ask()
        # The stream's own time, so that rounds go on growing when another worker begins.
        self._round = max(self._round + 1, self._review.newest_s)
        return _Again(self._round, asked, self.calibration is not None and self.calibration.withholds)

    def _take(self, samples: Sequence[Sample], partition: int, asks_again: bool = True) -> list[_Taken]:
        """The new samples with what became of them."""
        outcomes = self._sort_out(samples)
        queried = [sample for sample, outcome in outcomes if outcome == "bound"]
        found = iter(self._bind(queried, partition, asks_again))
        taken: list[_Taken] = []
        for sample, outcome in outcomes:
            partners, again = next(found) if outcome == "bound" else ((), _Again())
            if not partners and outcome == "bound":
                outcome = "withheld" if partners is None else "alone"
            taken.append(_Taken(sample, outcome, partners or (), again))
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

    def _bind(
        self, samples: Sequence[Sample], partition: int, asks_again: bool
    ) -> list[tuple[tuple[Partner, ...] | None, _Again]]:
        """Partners of samples that are taken into the history, None where they are withheld; who is asked after each."""
        found: list[tuple[tuple[Partner, ...] | None, _Again]] = []
        start = 0
        while start < len(samples):
            piece = samples[start : start + self.store.room]
            first = row = self.store.n_rows
            self.store.append(piece, partition)
            for candidates in self._generation.follow(self.store, self.store.n_rows, self._stopwatch):
                fresh, use = self.store.fresh(row, candidates.rows), self.store.use(candidates.rows)
                assignment = assign(candidates, fresh, use, self._settings)
                mine = piece[row - first : row - first + len(candidates.rows)]
                row += len(mine)
                self._count_use(assignment, row)
                partners = self._judged(mine, candidates, assignment)
                *before, last = [(one, _Again()) for one in partners]
                found += [*before, (last[0], self._after(mine, partition, asks_again))]
            start += len(piece)
        return found

    def _after(self, samples: Sequence[Sample], partition: int, asks_again: bool) -> _Again:
        """Takes rows into the table, which end a block or a call; who is asked again then."""
        self._review.take(samples, partition)
        if not self._review.is_due:
            return _Again()
        if not asks_again:
            self._review.skip()
            return _Again()
        return self._ask_again()

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
