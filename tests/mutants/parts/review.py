"""Later rounds and whatever they rest on: short texts, since these files are worked on most."""

from tests.mutants.mutation import Mutation

REVIEW, QUESTION, BINDER = "streams/review/review.py", "streams/review/question.py", "streams/binder.py"
WITNESSES, LAG = "streams/precision/witnesses.py", "streams/similarity/lag.py"
LIKENESS = "streams/similarity/window_likeness.py"

OF_REVIEW = "tests/streams/review/test_review.py"
ROUNDS = ("tests/streams/review/test_rounds.py",)
OF_WITNESSES = ("tests/streams/precision/test_witnesses.py",)
OF_LIKENESS = ("tests/streams/similarity/test_window_likeness.py",)
OF_LAG = ("tests/trainer/step/test_softening.py",)
NOISE = (f"{OF_REVIEW}::test_a_shared_modality_that_is_noise_gives_none_and_pairs_are_withheld",)
GROWING = (f"{OF_REVIEW}::test_samples_are_asked_again_when_a_quarter_more_have_come",)

MUTATIONS = (
    Mutation("LEARNED_WEIGHT is 0", QUESTION, "LEARNED_WEIGHT = 0.5", "LEARNED_WEIGHT = 0.0", ROUNDS),
    Mutation(
        "rounds not tied to the stream's time",
        REVIEW,
        "max(self._number + 1, self._newest_s)",
        "self._number + 1",
        ROUNDS,
    ),
    Mutation("the estimate is fed by the model", QUESTION, "calibrate(untrained,", "calibrate(scores,", ROUNDS),
    Mutation("review asks seldom", REVIEW, "GROWTH = 0.25", "GROWTH = 1.0", GROWING),
    Mutation("pairs are judged too often", REVIEW, "self._n_unjudged >= size", "self._n_unjudged > 0", ROUNDS),
    Mutation("pairs are judged once", REVIEW, "self._n_unjudged >= size", "self._n_unjudged < 0", ROUNDS),
    Mutation("a review does not smooth", QUESTION, "if settings.smoothed:", "if not settings:", ROUNDS),
    Mutation("a review does not balance", QUESTION, "if self._settings.balanced:", "if not self:", ROUNDS),
    Mutation("embeddings are kept over a swap", REVIEW, "row.embedded = {}", "pass", ROUNDS),
    Mutation(
        "nobody is asked after a swap",
        BINDER,
        "self._asks_again = True",
        "self._asks_again = False",
        ROUNDS,
    ),
    Mutation("noise binds", REVIEW, "        if self.withholds:", "        if not row:", NOISE),
    Mutation("all modalities are heard", WITNESSES, "MAX_WITNESSES = 3", "MAX_WITNESSES = 99", OF_WITNESSES),
    Mutation("no lag evidence in a review", LIKENESS, "if self._has_lag:", "if not self:", OF_LIKENESS),
    Mutation("no lags in a review", LAG, "LAG_SHARE = 0.2", "LAG_SHARE = 0.0", OF_LAG),
)
