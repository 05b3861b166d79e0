"""Which version may be followed."""

from tests.mutants.mutation import Mutation

GATE, EVALUATION, HELD_OUT = "trainer/judging/gate.py", "trainer/judging/evaluation.py", "trainer/judging/held_out.py"
OF_GATE, OF_EVALUATION = ("tests/trainer/judging/test_gate.py",), ("tests/trainer/judging/test_evaluation.py",)
BOUNDED = ("tests/trainer/test_learner.py::test_held_out_samples_are_bounded_and_the_latest_stay",)
UNTAUGHT = ("tests/trainer/test_learner.py::test_evaluates_the_pairs_that_no_training_sample_has_together",)

CANDIDATE, LEARNER, DIFFERENCE = "trainer/candidate.py", "trainer/learner.py", "trainer/judging/difference.py"
AVERAGE = "trainer/step/average.py"
OF_AVERAGE = ("tests/trainer/step/test_average.py",)
OF_LEARNER = ("tests/trainer/test_learner.py::test_what_is_handed_out_is_the_mean_of_the_last_steps",)
OF_CANDIDATE = ("tests/trainer/test_candidate.py",)
OF_DIFFERENCE = ("tests/trainer/judging/test_difference.py",)
OF_TRAINING = ("tests/trainer/test_training.py::test_versions_come_no_faster_than_is_wanted",)

MUTATIONS = (
    Mutation("whatever passes is the best", CANDIDATE, " and is_better(decision)", "", OF_CANDIDATE),
    Mutation("a row of refusals has no end", LEARNER, "0 if passed else self._n_refused + 1", "1", OF_CANDIDATE),
    Mutation("nothing is luck", GATE, "settings.retrieval_errors * error_of(known)", "0.0", OF_GATE),
    Mutation("samples are drawn apart", DIFFERENCE, "value - best[name] for", "value for", OF_DIFFERENCE),
    Mutation("first weights stay", AVERAGE, "(1 + n) / (10 + n)", "1.0", OF_AVERAGE),
    Mutation("all take part in a mean", AVERAGE, "n = self.counts[modality] + 1", "n = 500", OF_AVERAGE),
    Mutation("the last weights go out", LEARNER, "self._step.averaged_weights()", "self._step.weights()", OF_LEARNER),
    Mutation(
        "encoders are offered twice",
        "trainer/offering.py",
        "self._offered_steps = n_steps",
        "pass",
        ("tests/trainer/test_keeping_up.py",),
    ),
    Mutation("versions have no age", "trainer/offering.py", " or time.monotonic() < self._next_s", "", OF_TRAINING),
    Mutation("what collapsed passes", GATE, "faults = [*collapsed, *(", "faults = [*(", OF_GATE),
    Mutation("chance is good enough", GATE, "low = not figure >= wanted", "low = not figure >= 0", OF_GATE),
    Mutation("the worse passes", GATE, "rival - margin", "rival - 1", OF_GATE),
    Mutation(
        "random pairs pass", GATE, "low = not share >= settings.min_pair_precision", "low = not share >= 0", OF_GATE
    ),
    Mutation("unlike directions are compared", GATE, " and name in best]", "]", OF_GATE),
    Mutation(
        "order decides between equals",
        EVALUATION,
        "np.random.default_rng(0).permutation(len(gallery))",
        "np.arange(len(gallery))",
        OF_EVALUATION,
    ),
    Mutation("equals count as found", EVALUATION, " + ((similarities == own).sum(1) - 1) / 2", "", OF_EVALUATION),
    Mutation(
        "the first held-out samples stay",
        HELD_OUT,
        "next(iter(self._samples))",
        "next(reversed(self._samples))",
        BOUNDED,
    ),
    Mutation(
        "what was taught is judged",
        HELD_OUT,
        "(min(one, other), max(one, other)) not in natural",
        "one != other",
        UNTAUGHT,
    ),
)
