"""Asks samples again, many together, now that more of them are known. Performs no I/O, reads no clock.

A sample that came early found few others to be bound to. As the history grows, and when a new model says more, those
that are new and those whose answer is likeliest to change are asked anew, beside their candidates of the whole history.
READ `Question.answer` FIRST. A round goes on in a thread while samples come, and is told when a counted one has come:
what comes out depends on the history and the model alone.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Float

from encoders.modality import ModalitySpec
from streams.arrival.first_round import FirstAnswer
from streams.arrival.neighbourhood import EFFECT_EVERY_ROWS
from streams.history.table import TableRow
from streams.precision.figures import Control, PrecisionEstimate
from streams.precision.witnesses import describe_all
from streams.records import Partner, Sample
from streams.review.question import Encoders, Found, Question
from streams.review.remembered import Remembered
from streams.review.round_job import Begun, RoundJob
from streams.review.selection import new_of, select
from streams.settings import DescriptorKind, StreamSettings

# They are asked again once the history has grown by this share. The estimate, which costs three times as much, is made
# anew each time too as long as a table holds all, then when as many are new as it holds. Chosen by hand; what asking is
# worth: `python -m benchmarks.learning --ablation`.
GROWTH = 0.25
# After a swap so many of the youngest samples may have other answers, as many as a trainer draws from by its default
# (`trainer.replay_samples`); so little gain that those come first to whom something came.
RENEWED, RENEWED_GAIN = 8192, 0.005
# So many samples after it began a round is told in a young stream; a change of confidence that is told. Chosen by hand.
SOON, NOTEWORTHY = 16, 0.1
NS_PER_S = 1_000_000_000

# From sample ids to their rows `[n, dim]`, NaN where one is not held.
Held: TypeAlias = Callable[[Sequence[str]], Float[np.ndarray, "n dim"]]


class Answer(NamedTuple):
    """The partners that a sample has now, best first."""

    sample_id: str
    partners: tuple[Partner, ...]


class ReviewRound(NamedTuple):
    """The answers that are new, the round's number, larger than those before, and the version of the model."""

    number: int
    version: int
    answers: list[Answer]
    withholds: bool = False


class Review:
    """What may be asked again, and when; `question` is how, and what is said of it.

    Args:
        specs: All modalities by name.
        shared: Those that bind, the first of them on arrival too.
        settings: Of binding, where `review_samples` is the size of a table, and of the history.
    """

    def __init__(self, specs: Mapping[str, ModalitySpec], shared: Sequence[str], settings: StreamSettings) -> None:
        self._specs = specs
        self._shared = tuple(shared)
        self._settings = settings.binding
        self._remembered = Remembered(self._shared, settings.binding, settings.index)
        self._question = Question(specs, self._shared, settings.binding, self._remembered.sets)
        self._newest_s = self._number = 0
        self._n_appended = self._n_new = self._n_unjudged = 0
        self._encoders: Encoders = {}
        self._held: Held | None = None
        self._job: RoundJob | None = None
        self._skipped: Begun | None = None

    @property
    def is_due(self) -> bool:
        """Whether enough is new, at a counted row."""
        if self._n_appended % EFFECT_EVERY_ROWS or not self._remembered.rows:
            return False
        return self._n_new >= self._between

    @property
    def goes_on(self) -> bool:
        """Whether a round was begun and not ended."""
        return self._job is not None

    @property
    def estimate(self) -> PrecisionEstimate:
        """What is said of pairs without labels."""
        return self._question.calibration.estimate

    @property
    def control(self) -> Control:
        """Best partners beside random ones."""
        return self._question.control

    @property
    def weights(self) -> Mapping[str, float]:
        """Of what each of several modalities that bind says; 0 where it is no better than chance, and binds nobody."""
        return self._question.weights

    @property
    def withholds(self) -> bool:
        """Whether binding is no better than none, as far as one can tell after a while."""
        return self.estimate.state == "none" and self._n_appended >= self._settings.withhold_after

    @property
    def descriptor(self) -> DescriptorKind:
        """The one that suits the first shared modality: the settings', or what the data say."""
        if self._settings.descriptor != "auto":
            return self._settings.descriptor
        return self._question.comparisons.get(self._shared[0], "oriented")

    def append(self, sample: Sample, arrived: FirstAnswer | None) -> None:
        """The next sample, with a window that moves of a shared modality, and what arrival found for it."""
        row = self._remembered.append(sample, arrived)
        if self.withholds and arrived is not None and arrived.partners:
            row.is_withheld, row.brings_new = True, False
        self._n_appended += 1
        self._n_new += 1
        self._newest_s = max(self._newest_s, sample.start_ns // NS_PER_S)

    def skip_round(self) -> None:
        """Passes over a round whose answers are known already; one that would still go on can be resumed."""
        if self._job is not None:
            self._job.wait()
        self._skipped = self._selected()

    def resume_round(self, version: int) -> None:
        """Begins the round that was skipped last, if it would still go on: of that one nobody had the answers."""
        skipped, self._skipped = self._skipped, None
        if skipped is not None and self._job is None and self._n_appended - skipped.begun_at < self._patience:
            self._begin(skipped, version)

    def use(self, encoders: Encoders, held: Held | None = None) -> None:
        """Asks with the trained encoders of a model from the next round on, and all that a trainer may draw once more.

        Args:
            encoders: By modality.
            held: Where rows that the first shared modality's encoder made on arrival are to be had.
        """
        self._encoders, self._held = encoders, held
        for row in self._remembered.rows:
            row.embedded = {}  # a round that goes on keeps those that it has
        self._remembered.graph.raise_all(self._remembered.numbers[-RENEWED:], RENEWED_GAIN)

    @property
    def is_ready(self) -> bool:
        """Whether what came of the round that goes on is to be told, at a counted row: soon enough, but not at once."""
        return self._job is not None and self._n_appended - self._job.begun.begun_at >= self._patience

    @property
    def _patience(self) -> int:
        """For so many samples a round goes on: until the next one is due, or few where the stream may soon end."""
        return self._between if len(self._remembered.rows) > self._settings.review_samples else SOON

    @property
    def _between(self) -> int:
        """So many samples lie between two rounds, or a few more."""
        most = max(EFFECT_EVERY_ROWS, new_of(self._settings.review_samples))
        return min(most, max(EFFECT_EVERY_ROWS, int(GROWTH * len(self._remembered.rows))))

    def begin_round(self, version: int = 0) -> None:
        """Begins to ask those that are new, and those whose answer is likeliest to change; none other must go on.

        Args:
            version: Of the model whose encoders are used.
        """
        self._begin(self._selected(), version)

    def _begin(self, begun: Begun, version: int) -> None:
        assert self._job is None, "one after the other"
        numbers = begun.chosen.numbers
        table, codes = self._remembered.table(numbers), self._remembered.codes(numbers)
        if self._held is not None and self._settings.learned_share and self._shared[0] in self._encoders:
            table.adopt_embedded(self._shared[0], self._held)
        self._job = RoundJob(self._question, table, codes, begun, version)
        self._job.start(self._encoders)

    def _selected(self) -> Begun:
        """Who is asked now; they have their answers from now on."""
        remembered, size = self._remembered, self._settings.review_samples
        remembered.forget_old()
        for table in remembered.let_go():
            describe_all(table, self._specs)
        remembered.connect()
        chosen = select(remembered, remembered.end - self._n_new, size)
        remembered.graph.settle(chosen.numbers[chosen.is_asked])
        self._n_unjudged, self._n_new = self._n_unjudged + self._n_new, 0
        is_judged = len(remembered.rows) <= size or self._n_unjudged >= size
        if is_judged:
            self._n_unjudged = 0
        return Begun(chosen, self._n_appended, is_judged)

    def end_round(self) -> ReviewRound:
        """What came of the round that goes on: the partners of those for whom they changed. Waits for it if need be."""
        assert self._job is not None, "begun before"
        job, self._job = self._job, None
        found, self._question = job.found(), job.question
        # The stream's own time, so that numbers go on growing when another worker begins.
        self._number = max(self._number + 1, self._newest_s)
        if found is None:
            return ReviewRound(self._number, job.version, [])
        asked = np.flatnonzero(job.begun.chosen.is_asked).tolist()
        bring_new = self._remembered.sets.brings_new(job.codes, job.codes[found.places[:, 0]]).tolist()
        new = [self._changed(job.table.rows, place, found, bring_new[place]) for place in asked]
        return ReviewRound(self._number, job.version, [one for one in new if one is not None], self.withholds)

    def _changed(self, rows: Sequence[TableRow], place: int, found: Found, brings_new: bool) -> Answer | None:
        """What is new for the sample at that place of the table; None if it keeps what it has.

        It does where it would end without partners, or with none that bring a new pair of modalities, and had some.
        """
        row = rows[place]
        if self.withholds:
            was_told, row.is_withheld, row.answer, row.brings_new = row.is_withheld, True, None, False
            return None if was_told else Answer(row.sample_id, ())
        n_partners = int(np.count_nonzero(found.shares[place]))
        if not n_partners:
            was_withheld, row.is_withheld = row.is_withheld, False
            return Answer(row.sample_id, ()) if was_withheld else None
        answer = tuple(rows[other].sample_id for other in found.places[place, :n_partners].tolist())
        confidence = None if found.confidence is None else float(found.confidence[place, 0])
        if not row.is_withheld and (row.brings_new > brings_new or _is_same(row, answer, confidence)):
            return None
        row.answer, row.confidence, row.brings_new, row.is_withheld = answer, confidence, brings_new, False
        return Answer(row.sample_id, found.partners(place, answer))


def _is_same(row: TableRow, answer: tuple[str, ...], confidence: float | None) -> bool:
    """Whether it makes no difference to who learns from it."""
    if row.answer is None or (row.confidence is None) != (confidence is None):
        return False
    is_as_sure = abs((row.confidence or 0) - (confidence or 0)) < NOTEWORTHY
    return is_as_sure and row.answer[0] == answer[0] and {*row.answer} == {*answer}
