"""Which version may be followed."""

from tests.mutants.mutation import Mutation

GATE, EVALUATION, HELD_OUT = "trainer/judging/gate.py", "trainer/judging/evaluation.py", "trainer/judging/held_out.py"
OF_GATE, OF_EVALUATION = ("tests/trainer/judging/test_gate.py",), ("tests/trainer/judging/test_evaluation.py",)
BOUNDED = ("tests/trainer/test_learner.py::test_held_out_samples_are_bounded_and_the_latest_stay",)
UNTAUGHT = ("tests/trainer/test_learner.py::test_evaluates_the_pairs_that_no_training_sample_has_together",)

MUTATIONS = (
    Mutation("what collapsed passes", GATE, "faults = [*collapsed, *(", "faults = [*(", OF_GATE),
    Mutation("chance is good enough", GATE, "low = not figure >= wanted", "low = not figure >= 0", OF_GATE),
    Mutation("the worse passes", GATE, "rival - settings.retrieval_tolerance", "rival - 1", OF_GATE),
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
