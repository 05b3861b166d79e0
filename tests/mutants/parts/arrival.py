"""First partners: what is scored, who is used up, which units hold."""

from tests.mutants.mutation import Mutation

ASSIGNMENT, CHANCE = "streams/arrival/assignment.py", "streams/arrival/chance.py"
GENERATION, NEIGHBOURHOOD = "streams/arrival/generation.py", "streams/arrival/neighbourhood.py"
SHAPES, VECTORS = "streams/arrival/lag_shapes.py", "streams/arrival/row_vectors.py"
NEWCOMERS, FIRST_ROUND = "streams/arrival/newcomers.py", "streams/arrival/first_round.py"

OF_ASSIGNMENT = ("tests/streams/arrival/test_assignment.py",)
OF_CHANCE = ("tests/streams/arrival/test_chance.py",)
OF_SHAPES = ("tests/streams/arrival/test_lag_shapes.py",)
OF_NEIGHBOURHOOD = ("tests/streams/arrival/test_neighbourhood.py",)
OF_ROUND = ("tests/streams/arrival/test_first_round.py",)
OF_LAG = ("tests/streams/arrival/test_first_round.py::test_a_motion_cut_later_is_found_in_noise_by_its_best_lag",)
OF_GENERATION = ("tests/streams/arrival/test_generation.py",)
OF_BINDER = ("tests/streams/test_binder.py",)

MUTATIONS = (
    Mutation(
        "use does not set a partner back",
        ASSIGNMENT,
        " - np.log1p(use / np.float32(settings.use_cap))",
        "",
        OF_ASSIGNMENT,
    ),
    Mutation(
        "use is never counted",
        FIRST_ROUND,
        "rows[rows >= 0], amounts[rows >= 0]",
        "rows[rows < 0], amounts[rows < 0]",
        OF_ROUND,
    ),
    Mutation("hubs count twice", ASSIGNMENT, "settings.hub_correction / 2", "settings.hub_correction", OF_ASSIGNMENT),
    Mutation(
        "an unknown neighbourhood is an empty one",
        ASSIGNMENT,
        "np.where(np.isnan(means), own[:, None], means)",
        "np.nan_to_num(means)",
        OF_ASSIGNMENT,
    ),
    Mutation(
        "pairs that teach nothing come first too",
        ASSIGNMENT,
        "np.where(fresh.any(axis=1, keepdims=True), fresh, usable)",
        "usable",
        OF_ASSIGNMENT,
    ),
    Mutation(
        "the least similarity is not asked for",
        ASSIGNMENT,
        " & (similarities >= settings.min_similarity)",
        "",
        OF_ASSIGNMENT,
    ),
    Mutation("the temperature does nothing", ASSIGNMENT, " / np.float32(settings.temperature)", "", OF_ASSIGNMENT),
    Mutation(
        "chance is never redrawn",
        CHANCE,
        "self._chances[0].n_pairs < REMEMBERED_PAIRS or n_blocks % DRAWN_EVERY == 0",
        "self._chances[0].n_pairs == 0",
        OF_ROUND,
    ),
    Mutation("chance is drawn of one source", CHANCE, "(sources[0] != sources[1]) & ", "", OF_CHANCE),
    Mutation(
        "the tail's spread is that of all",
        CHANCE,
        "(tail - tail[0]).mean()",
        "known.std()",
        OF_CHANCE,
    ),
    Mutation("sums of measures spread wider", CHANCE, "np.float32(np.sqrt(len(full)))", "np.float32(1)", OF_CHANCE),
    Mutation(
        "the oldest random pairs stay",
        CHANCE,
        " % REMEMBERED_PAIRS] =",
        ".clip(max=REMEMBERED_PAIRS - 1)] =",
        OF_CHANCE,
    ),
    Mutation("none is as good as a row", CHANCE, "np.where(rows >= 0, scores, NO_SIMILARITY)", "scores", OF_CHANCE),
    Mutation("no lag evidence on arrival", GENERATION, " if lag_tolerant else []", " if not settings else []", OF_LAG),
    Mutation(
        "rows never learn from later ones",
        GENERATION,
        "rows[rows >= 0], scores[rows >= 0]",
        "rows[rows < 0], scores[rows < 0]",
        OF_ROUND,
    ),
    Mutation(
        "guessed units stay",
        GENERATION,
        "if self._chance.is_known and not was_known:",
        "if was_known and not was_known:",
        OF_ROUND,
    ),
    Mutation(
        "rows learn when a micro-batch ends",
        GENERATION,
        "if stop % EFFECT_EVERY_ROWS == 0:",
        "if stop:",
        OF_GENERATION,
    ),
    Mutation("the index forgets nothing", GENERATION, "self.index.drop_before(first_row)", "pass", OF_ROUND),
    Mutation(
        "rows that are taken over know none",
        GENERATION,
        "np.full(len(part), end)",
        "np.full(len(part), first)",
        OF_ROUND,
    ),
    Mutation("empty places count as neighbours", NEIGHBOURHOOD, "> NO_SIMILARITY", "> -np.inf", OF_NEIGHBOURHOOD),
    Mutation(
        "the furthest are kept as neighbours",
        NEIGHBOURHOOD,
        "[:, ::-1][:, :NEIGHBOURS]",
        "[:, :NEIGHBOURS]",
        OF_NEIGHBOURHOOD,
    ),
    Mutation(
        "only the very nearest becomes a neighbour",
        NEIGHBOURHOOD,
        "self._nearest[places, -1]",
        "self._nearest[places, 0]",
        OF_NEIGHBOURHOOD,
    ),
    Mutation(
        "a row inherits a neighbourhood",
        NEIGHBOURHOOD,
        "        self._nearest[places] = NO_SIMILARITY\n",
        "",
        OF_NEIGHBOURHOOD,
    ),
    Mutation(
        "no lags on arrival", SHAPES, "self._furthest = int(LAG_SHARE * n_steps)", "self._furthest = 0", OF_SHAPES
    ),
    Mutation("the mean lag instead of the best", SHAPES, "at_lags.max(axis=1)", "at_lags.mean(axis=1)", OF_SHAPES),
    Mutation(
        "shapes are never turned",
        SHAPES,
        "if self._is_rotation_tolerant:",
        "if not len(part):",
        OF_SHAPES,
    ),
    Mutation(
        "an encoder is given raw windows",
        VECTORS,
        "self._learned(windows.scaled)",
        "self._learned(windows.raw)",
        OF_GENERATION,
    ),
    Mutation(
        "a share counts as its root",
        VECTORS,
        "np.float32(np.sqrt(learned_share))",
        "np.float32(learned_share)",
        OF_GENERATION,
    ),
    Mutation(
        "embeddings are given back shorter",
        VECTORS,
        "rows[:, self._n_fixed :] / self._learned_weight",
        "rows[:, self._n_fixed :]",
        OF_ROUND,
    ),
    Mutation("held-out samples bind", NEWCOMERS, "if sample.held_out:", "if not sample:", OF_BINDER),
    Mutation("what stands still binds", NEWCOMERS, "if is_moving:", "if sample:", OF_BINDER),
)
