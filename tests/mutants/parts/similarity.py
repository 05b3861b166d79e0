"""Likeness: descriptors, units, plans, smoothing, and what other modalities say."""

from tests.mutants.mutation import Mutation

SINKHORN, UNITS = "streams/similarity/sinkhorn.py", "streams/similarity/standard_units.py"
DESCRIPTOR, ROTATION = "streams/similarity/descriptor.py", "streams/similarity/rotation.py"
SMOOTHING, OPINION = "streams/review/smoothing.py", "streams/review/second_opinion.py"
SETS = "streams/history/modality_sets.py"

OF_SINKHORN = ("tests/streams/similarity/test_sinkhorn.py",)
OF_UNITS = ("tests/streams/similarity/test_standard_units.py",)
OF_HUBS = ("tests/trainer/step/test_softening.py::test_the_hub_correction_is_its_formula",)
OF_DESCRIPTOR = ("tests/streams/similarity/test_descriptor.py",)
OF_SMOOTHING = ("tests/streams/review/test_smoothing.py",)
OF_OPINION = ("tests/streams/review/test_second_opinion.py",)
OF_KINDS = ("tests/streams/history/test_modality_sets.py",)
OF_SCALING = ("tests/encoders/test_scaling.py",)

MUTATIONS = (
    Mutation(
        "a sensor that lay still is scaled by its noise for long",
        "encoders/scaling.py",
        "n_before = n_before // 2",
        "pass",
        OF_SCALING,
    ),
    Mutation(
        "a source's scaling stays as it first was",
        "encoders/scaling.py",
        "elif len(self._windows) < min(LOT_WINDOWS, n_before // LOTS):",
        "elif window.ndim:",
        OF_SCALING,
    ),
    Mutation(
        "one channel of many decides what is far out",
        "encoders/scaling.py",
        "if 2 * np.count_nonzero(far_out) > len(far_out):",
        "if np.count_nonzero(far_out):",
        OF_SCALING,
    ),
    Mutation("one Sinkhorn iteration", SINKHORN, "ITERATIONS = 16", "ITERATIONS = 1", OF_SINKHORN),
    Mutation(
        "columns are not balanced",
        SINKHORN,
        "columns = np.where(is_wanted, 1 / np.maximum(rows @ weights, tiny), 0)",
        "columns = np.ones(scores.shape[1])",
        OF_SINKHORN,
    ),
    Mutation(
        "the softness does nothing to a plan",
        SINKHORN,
        "scaled /= np.float32(softness)",
        "scaled /= np.float32(1)",
        OF_SINKHORN,
    ),
    Mutation(
        "a column that nobody may have grows",
        SINKHORN,
        "np.where(is_wanted, 1 / np.maximum(rows @ weights, tiny), 0)",
        "1 / np.maximum(rows @ weights, tiny)",
        OF_SINKHORN,
    ),
    Mutation("chance is told by few rows", UNITS, "CHANCE_ROWS = 300", "CHANCE_ROWS = 3", OF_UNITS),
    Mutation(
        "the softness does nothing to a row",
        SINKHORN,
        "np.where(allowed, scores / np.float32(softness)",
        "np.where(allowed, scores",
        OF_SINKHORN,
    ),
    Mutation("units have no spread", UNITS, "np.float32(1 / spread)", "np.float32(1)", OF_UNITS),
    Mutation(
        "all pairs are chance", UNITS, "n = np.count_nonzero(among)", "n, among = likeness.size, np.True_", OF_UNITS
    ),
    Mutation("a sample is its own neighbour", UNITS, "np.fill_diagonal(others, -np.inf)", "pass", OF_HUBS),
    Mutation("only one end can be a hub", UNITS, "(means[:, None] + means[None, :]) / 2", "means[None, :]", OF_HUBS),
    Mutation("the largest comes again", UNITS, "        left[lines, places[:, i]] = -np.inf\n", "", OF_UNITS),
    Mutation("windows are not tapered", DESCRIPTOR, "moving * self._taper", "moving", OF_DESCRIPTOR),
    Mutation("cross-spectra know the moment", DESCRIPTOR, ".conj()", "", OF_DESCRIPTOR),
    Mutation(
        "no cross-spectra",
        DESCRIPTOR,
        "ORIENTED_WEIGHTS = (1.4, 0.8, 1.3)",
        "ORIENTED_WEIGHTS = (1.4, 0.0, 1.3)",
        OF_DESCRIPTOR,
    ),
    Mutation(
        "no quantiles",
        DESCRIPTOR,
        "ORIENTED_WEIGHTS = (1.4, 0.8, 1.3)",
        "ORIENTED_WEIGHTS = (1.4, 0.8, 0.0)",
        OF_DESCRIPTOR,
    ),
    Mutation(
        "no amplitudes",
        DESCRIPTOR,
        "ORIENTED_WEIGHTS = (1.4, 0.8, 1.3)",
        "ORIENTED_WEIGHTS = (0.0, 0.8, 1.3)",
        OF_DESCRIPTOR,
    ),
    Mutation("gravity is not looked at", DESCRIPTOR, "(1.4, 0.4, 0.8), 1.0", "(1.4, 0.4, 0.8), 0.0", OF_DESCRIPTOR),
    Mutation("nothing stands still", DESCRIPTOR, "return ~still", "return still | True", OF_DESCRIPTOR),
    Mutation(
        "axes point anywhere",
        ROTATION,
        "np.where(skewed < 0, -1.0, 1.0)",
        "np.ones_like(skewed)",
        OF_DESCRIPTOR,
    ),
    Mutation("no smoothing", SMOOTHING, "OWN_SAY, OTHER_SAY = 0.3, 0.2", "OWN_SAY, OTHER_SAY = 0.0, 0.0", OF_SMOOTHING),
    Mutation(
        "one end of a pair is smoothed",
        SMOOTHING,
        "_mixed(np.ascontiguousarray(mixed.T), mixtures, rest).T",
        "mixed",
        OF_SMOOTHING,
    ),
    Mutation("other kinds of samples have a say", SMOOTHING, "same_modalities & ~own", "~own", OF_SMOOTHING),
    Mutation(
        "hubs have a say everywhere",
        SMOOTHING,
        "standardised(hub_corrected(likeness)",
        "standardised(likeness",
        OF_SMOOTHING,
    ),
    Mutation("the modality gap stays", OPINION, " - embedded.mean(axis=0)", "", OF_OPINION),
    Mutation("what binds is heard twice", OPINION, "name in shared or not len(places)", "not len(places)", OF_OPINION),
    Mutation(
        "the unknown has an opinion", OPINION, "known[:, None] & known[None, :]", "known[:, None] | True", OF_OPINION
    ),
    Mutation("who lacks a new modality has no partner", SETS, "usable[lonely] = possible[lonely]", "pass", OF_KINDS),
    Mutation(
        "pairs need teach nothing",
        SETS,
        "possible & sets.brings_new_each(codes)",
        "possible.copy()",
        OF_KINDS,
    ),
)
