"""From samples to Bindings: who, of another source, did the same at some other time. Performs no I/O, reads no clock.

The law: what comes out does not depend on how the stream is cut into micro-batches, to the last bit. Whatever rows
learn from later ones (neighbourhoods, use counts) and whatever changes structure (sealed segments, dropped ones) takes
effect at a counted row, and matrix products have one fixed shape.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from streams.arrival.first_round import FirstRound
from streams.arrival.generation import Generation, GenerationBuild
from streams.arrival.held_generation import HeldGeneration
from streams.arrival.newcomers import Newcomers
from streams.arrival.row_vectors import EncoderFunction, RowVectors
from streams.history.store import SampleStore
from streams.precision.figures import Control, PrecisionEstimate
from streams.records import Binding, Outcome, Partner, Sample
from streams.review.question import Encoders
from streams.review.review import Review, ReviewRound
from streams.settings import StreamSettings
from streams.stopwatch import Stopwatch


class Swap(NamedTuple):
    """A change of generation: after how many observed samples it was begun, and after how many it took effect."""

    version: int
    built_at: int
    swapped_at: int


class _Taken(NamedTuple):
    """What became of one new sample, and the round that was due once it was there."""

    sample: Sample
    outcome: Outcome
    partners: tuple[Partner, ...]
    later: ReviewRound | None


class Binder:
    """Binds each sample to earlier ones of other sources by the shared modality, and asks again as more are known.

    Not for several threads at once, but `GenerationBuild.run` may go on in another one.

    Args:
        settings: Of the stream: its modalities, which of them binds, how partners are chosen, how much is remembered.
        worker: Its name in the Bindings.
        stopwatch: Is told what embedding and search of new samples took.
    """

    def __init__(self, settings: StreamSettings, worker: str = "", stopwatch: Stopwatch | None = None) -> None:
        specs, shared = settings.specs, settings.shared_modality
        names = [shared, *(name for name in settings.binding.also_shared if name in specs)]
        self.sequence = 0
        self.swaps: list[Swap] = []
        self.store = SampleStore(specs[shared], shared, settings.index)
        self._spec = specs[shared]
        self._shared = shared
        self._settings, self._index_settings = settings.binding, settings.index
        self._worker = worker
        self._stopwatch = stopwatch or Stopwatch()
        self._review = Review(specs, names, settings)
        self._generation = self._new_generation(0, None)
        self._held = HeldGeneration(settings.index.held_generation_mb * (1 << 20))
        self._newcomers = Newcomers(names, self.store, settings.index.history_samples)
        self._asks_again = False
        self._first_round = FirstRound(self.store, self._settings, self._stopwatch)

    @property
    def version(self) -> int:
        """The model version that binds now."""
        return self._generation.version

    @property
    def generation(self) -> Generation:
        """The generation that binds now."""
        return self._generation

    @property
    def held_bytes(self) -> int:
        """Memory of the generation before it, which is held for a model that is gone back to."""
        return self._held.n_bytes

    @property
    def estimate(self) -> PrecisionEstimate:
        """What is said, without labels, of the last round's pairs."""
        return self._review.estimate

    @property
    def weights(self) -> Mapping[str, float]:
        """Of what each of several modalities that bind says in later rounds; 0: it binds nobody, nor on arrival."""
        return self._review.weights

    @property
    def withholds(self) -> bool:
        """Whether pairs are withheld now, since binding is no better than none."""
        return self._review.withholds

    @property
    def control(self) -> Control:
        """The last round's best partners beside random ones."""
        return self._review.control

    def observe(self, samples: Sequence[Sample]) -> list[Binding]:
        """One Binding for each new sample, in order; a sample whose id is known gives none.

        Between them come those of later rounds, where earlier samples were asked again: see `review`.

        Args:
            samples: Their scalings cover the shared modality where they have it.
        """
        bindings: list[Binding] = []
        if self._asks_again and samples and not self._review.goes_on:
            self._begin_round(asks_again=True)
        for taken in self._take(samples):
            self.sequence += 1
            bindings.append(self._binding(taken.sample.sample_id, 0, taken.outcome, taken.partners, self.version))
            if taken.later:
                bindings += self._later(taken.later)
        return bindings

    def remember(self, samples: Sequence[Sample]) -> None:
        """Takes samples that were bound before: the same changes of state, no Bindings."""
        self._take(samples, asks_again=False)

    def sign_as(self, worker: str) -> None:
        """Names another worker in the Bindings from here on: the history took in what this one did not bind."""
        self._worker = worker

    def review(self) -> list[Binding]:
        """Asks samples again, many together, and gives Bindings of a new round where their partners changed.

        `observe` does it by itself as the history grows, and after a swap as soon as no round goes on: it takes new
        samples meanwhile, and gives the Bindings when a counted one has come.
        """
        before = self._later(self._end_round()) if self._review.goes_on else []
        self._begin_round(asks_again=True)
        return before + self._later(self._end_round())

    def begin_build(self, version: int, encoders: Encoders | None = None) -> GenerationBuild:
        """The generation of a new model over the present history, whose `run` does the work in any thread.

        Where the one before the present one is that model's, and still held, it only takes the samples since.

        Args:
            version: The model's.
            encoders: Of its modalities by name; without that of the shared one, it binds as generation 0 does.
        """
        encoders = encoders or {}
        generation = self._held.take(version, self._review.descriptor)
        generation = generation or self._new_generation(version, encoders.get(self._shared))
        return GenerationBuild(generation, self.store, self.sequence, encoders)

    def swap(self, build: GenerationBuild) -> Swap:
        """Binds with that generation from the next sample on, after it caught up."""
        retired, self._generation = self._generation, build.finish()
        self._held.hold(retired)
        self._review.use(build.encoders, lambda ids: self._generation.learned_vectors(self.store.rows(ids)))
        self._asks_again = True
        self.swaps.append(Swap(build.version, build.built_at, self.sequence))
        return self.swaps[-1]

    def use(self, version: int, encoders: Encoders | None = None) -> Swap:
        """Binds by that model from the next sample on: builds its generation here and now, and swaps it in."""
        return self.swap(self.begin_build(version, encoders))

    def _new_generation(self, version: int, encoder: EncoderFunction | None) -> Generation:
        row_vectors = RowVectors(self._spec, encoder, self._settings.learned_share, self._review.descriptor)
        settings, first_row = self._settings, self.store.first_row
        return Generation(
            version, row_vectors, self._index_settings, settings.neighbours, first_row, settings.lag_tolerant
        )

    def _binding(
        self, sample_id: str, round_: int, outcome: Outcome, partners: tuple[Partner, ...], version: int
    ) -> Binding:
        return Binding(
            sample_id=sample_id,
            round=round_,
            model_version=version,
            outcome=outcome,
            partners=partners,
            worker=self._worker,
            sequence=self.sequence,
        )

    def _end_round(self) -> ReviewRound:
        with self._stopwatch.timed("review"):
            return self._review.end_round()

    def _later(self, later: ReviewRound) -> list[Binding]:
        bindings = []
        for sample_id, partners in later.answers:
            outcome: Outcome = "withheld" if later.withholds else "bound" if partners else "alone"
            bindings.append(self._binding(sample_id, later.number, outcome, partners, later.version))
        return bindings

    def _take(self, samples: Sequence[Sample], asks_again: bool = True) -> list[_Taken]:
        """The new samples with what became of them."""
        outcomes = self._newcomers.sort(samples)
        queried = [one.sample for one in outcomes if one.outcome == "bound"]
        found = iter(self._first_round.bind(self._generation, queried))
        self._held.forget_before(self.store.first_row)
        taken: list[_Taken] = []
        if asks_again and samples:
            self._review.resume_round(self.version)
        for sample, outcome, may_be_reviewed in outcomes:
            arrived = next(found) if outcome == "bound" else None
            partners = arrived.partners if arrived and self.weights.get(self._shared, 1.0) else ()
            if outcome == "bound" and not partners:
                outcome = "alone"
            elif outcome == "bound" and self._review.withholds:
                outcome, partners = "withheld", ()
            later = None
            if may_be_reviewed and self._settings.review_samples:
                self._review.append(sample, arrived)
                later = self._end_round() if self._review.is_ready and asks_again else None
                if self._review.is_due or (later and self._asks_again):
                    self._begin_round(asks_again)
            taken.append(_Taken(sample, outcome, partners, later))
        return taken

    def _begin_round(self, asks_again: bool) -> None:
        with self._stopwatch.timed("review"):
            if asks_again:
                self._asks_again = False
                self._review.begin_round(self.version)
            else:
                self._review.skip_round()
