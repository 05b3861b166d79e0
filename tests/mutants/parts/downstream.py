"""Features, and what is learned from them with few labels."""

from tests.mutants.mutation import Mutation

FEATURES, RIDGE, NETS = "streams/features.py", "trainer/downstream/ridge.py", "encoders/nets.py"
OF_FEATURES, OF_RIDGE = ("tests/streams/test_features.py",), ("tests/trainer/downstream/test_ridge.py",)
OF_POOLED = (
    "tests/encoders/test_nets.py::test_pooled_maps_are_mean_and_maximum_over_time_of_what_lies_below_the_head",
)

MUTATIONS = (
    Mutation("maxima are not looked at", NETS, "maps.amax(2)], 1)", "maps.mean(2)], 1)", OF_POOLED),
    Mutation(
        "descriptors see what is scaled",
        FEATURES,
        "self._descriptors[name](raw[",
        "self._descriptors[name](scaled[",
        OF_FEATURES,
    ),
    Mutation("labels are features", FEATURES, " and one.name != LABEL}", "}", OF_FEATURES),
    Mutation("weights cost nothing", RIDGE, "cost = RIDGE * max(", "cost = 1e-9 * max(", OF_RIDGE),
    Mutation(
        "what is lacking is a zero", RIDGE, "np.where(is_there(rows, self.blocks), (", "np.where(True, (", OF_RIDGE
    ),
    Mutation("what is lacking moves the mean", RIDGE, "n = np.maximum(there.sum(0), 1)", "n = len(rows)", OF_RIDGE),
    Mutation("unlabelled rows are not looked at", RIDGE, "if unlabelled is None else", "if True else", OF_RIDGE),
)
