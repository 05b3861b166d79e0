"""What is said, without labels, of how many pairs are right."""

from tests.mutants.mutation import Mutation

CALIBRATION, CURVE = "streams/precision/calibration.py", "streams/precision/agreement_curve.py"
KINDS = "streams/precision/kinds.py"
COMPARISON, WITNESSES = "streams/precision/comparison.py", "streams/precision/witnesses.py"
TESTS = ("tests/streams/precision/test_calibration.py",)
OF_WITNESSES = ("tests/streams/precision/test_witnesses.py",)
OF_CURVE = ("tests/streams/precision/test_agreement_curve.py",)
OF_WAYS = ("tests/streams/precision/test_comparison.py",)
OF_CONTROL = ("tests/streams/review/test_review.py::test_best_partners_are_more_alike_than_random_ones",)
OF_WEIGHT = ("tests/streams/review/test_review.py::test_a_modality_that_is_noise_has_nothing_to_say",)

OF_DROPPED = ("tests/streams/review/test_dropped_modality.py",)
BINDER, QUESTION = "streams/binder.py", "streams/review/question.py"

MUTATIONS = (
    Mutation("what is no better than chance has a say", QUESTION, "if not weight:", "if weight < 0:", OF_DROPPED),
    Mutation("strangers are bound", QUESTION, "NOTHING_IN_COMMON = -2.0", "NOTHING_IN_COMMON = 0.0", OF_DROPPED),
    Mutation(
        "noise binds on arrival",
        BINDER,
        "arrived.partners if arrived and self.weights.get(self._shared, 1.0) else ()",
        "arrived.partners if arrived else ()",
        OF_DROPPED,
    ),
    Mutation(
        "no lift",
        CURVE,
        "emitted = agreement + likeness.lift(",
        "emitted = agreement + 0 * likeness.lift(",
        TESTS,
    ),
    Mutation("lift is one of chance", CURVE, "middle) / units) - here", "middle) / units)", OF_CURVE),
    Mutation("few say nothing", CURVE, "((judged, agree), both)", "((judged, agree),)", OF_CURVE),
    Mutation("few say what more is", CURVE, "((judged, agree), both)", "(both,)", OF_CURVE),
    Mutation(
        "all kinds are expected the same of",
        CURVE,
        "of_group = self.groups == group",
        "of_group = self.groups >= 0",
        OF_CURVE,
    ),
    Mutation(
        "confidence knows no kinds", CALIBRATION, "if kinds is not None and self", "if kinds is None and self", TESTS
    ),
    Mutation(
        "crowds are counted as emitted",
        CALIBRATION,
        "~used_too_often(partners, how_sure, most_uses)",
        "np.ones(len(partners), bool)",
        TESTS,
    ),
    Mutation(
        "a witness is heard unjudged",
        WITNESSES,
        "if among.any() and tells_moments_apart(table, specs[name], places):",
        "if among.any():",
        OF_WITNESSES,
    ),
    Mutation(
        "who wears a sensor is a moment",
        WITNESSES,
        "others = sources[:, None] == sources[None, :]",
        "others = sources[:, None] != sources[None, :]",
        OF_WITNESSES,
    ),
    Mutation("few samples are enough", CURVE, "MIN_QUERIES = 100", "MIN_QUERIES = 10", TESTS),
    Mutation("luck is evidence", WITNESSES, "EVIDENCE = 3.0", "EVIDENCE = -9.0", TESTS),
    Mutation("nobody agrees by chance", CURVE, "far.chance(NEAREST_SHARE)\n", "0.0\n", TESTS),
    Mutation("pairs alike anyway say nothing", CURVE, "ALIKE_WEIGHT = 0.3", "ALIKE_WEIGHT = 0.0", OF_CURVE),
    Mutation(
        "the surest are all",
        CURVE,
        "NEAREST_SHARE, SUREST_SHARE = 0.1, 0.1",
        "NEAREST_SHARE, SUREST_SHARE = 0.1, 1.0",
        TESTS,
    ),
    Mutation("sureness may speak against a pair", CURVE, "if weights[1] <= 0:", "if rate < 0:", OF_CURVE),
    Mutation("agreement is not known so well", CURVE, "float(each @ self.covariance @ each)", "0.0", TESTS),
    Mutation(
        "what agrees by chance is right",
        CALIBRATION,
        "one.weight * (one.agreement - one.chance)",
        "one.weight * one.agreement",
        TESTS,
    ),
    Mutation(
        "an interval has no width", CALIBRATION, "WIDTH, MAX_RANGE = 1.96, 0.6", "WIDTH, MAX_RANGE = 0.1, 0.6", TESTS
    ),
    Mutation(
        "whatever wide interval is told",
        CALIBRATION,
        "WIDTH, MAX_RANGE = 1.96, 0.6",
        "WIDTH, MAX_RANGE = 1.96, 2.0",
        TESTS,
    ),
    Mutation("nothing right is an estimate", CALIBRATION, "if low <= 0:", "if low < 0:", TESTS),
    Mutation("another way is taken for luck", COMPARISON, "BETTER = 2.0", "BETTER = -2.0", OF_WAYS),
    Mutation("no other way is ever taken", COMPARISON, "best, least = name, far", "least = far", OF_WAYS),
    Mutation("confidence is not shifted", KINDS, "SHIFTS = 24", "SHIFTS = 1", TESTS),
    Mutation(
        "sureness forgets the score",
        COMPARISON,
        "plan - peak - total + scores",
        "plan - peak - total + 0 * scores",
        OF_WAYS,
    ),
    Mutation("sureness forgets the share", COMPARISON, "plan - peak - total + scores", "plan - plan + scores", OF_WAYS),
    Mutation("no partner is likely right", CALIBRATION, "np.maximum(units, -1e3)", "np.abs(units)", TESTS),
    Mutation(
        "noise binds as well as any",
        CALIBRATION,
        'return 0.0 if said.state == "none" else UNKNOWN',
        "return 1.0",
        OF_WEIGHT,
    ),
    Mutation(
        "random pairs are best ones",
        CALIBRATION,
        "cosines[asked, best[asked]].mean()",
        "cosines[usable].mean()",
        OF_CONTROL,
    ),
)
