"""A training step: its loss, its variations, its optimiser."""

from tests.mutants.mutation import Mutation

FRESH = "trainer/step/fresh_encoders.py"
BATCH_LOSS, PACKED, RANKS = "trainer/step/batch_loss.py", "trainer/step/packed.py", "trainer/step/ranks.py"
STEP, LOSS, EDGES = "trainer/step/step.py", "trainer/step/loss.py", "trainer/step/edges.py"
SOFTENING, AUGMENTATION = "trainer/step/softening.py", "trainer/step/augmentation.py"
OF_LOSS, OF_EDGES = ("tests/trainer/step/test_loss.py",), ("tests/trainer/step/test_edges.py",)
OF_PROCESSES = ("tests/trainer/parallel/test_process_group.py",)
OF_FIRST_WEIGHTS = ("tests/trainer/step/test_fresh_encoders.py",)
OF_RANKS = ("tests/trainer/step/test_ranks.py",)
OF_PRODUCT = ("tests/trainer/step/test_block_product.py",)
OF_SOFTENING = ("tests/trainer/step/test_softening.py",)
OF_AUGMENTATION = ("tests/trainer/step/test_augmentation.py",)
RESUMED = ("tests/trainer/step/test_step.py::test_a_run_cut_in_the_middle_and_resumed_ends_with_the_same_bits",)
ABSENT = ("tests/trainer/step/test_step.py::test_a_modality_that_is_not_in_the_batch_does_not_move",)


def setting(name: str) -> tuple[str, ...]:
    """The test of one setting of a step."""
    return (f"tests/trainer/step/test_step_settings.py::test_{name}",)


MUTATIONS = (
    Mutation(
        "gradients added up, not averaged", RANKS, "one.grad + part) / n_batches", "one.grad + part) / 1", OF_RANKS
    ),
    Mutation(
        "a batch without edges counts",
        RANKS,
        "return bool(self.n_natural_edges",
        "return True or bool(self.n_natural_edges",
        OF_RANKS,
    ),
    Mutation(
        "steps as short as of one", STEP, "settings.learning_rate * self.n_batches", "settings.learning_rate", OF_RANKS
    ),
    Mutation("a mean as long as of one", STEP, "settings.average**self.n_batches", "settings.average", OF_RANKS),
    Mutation("all processes vary alike", RANKS, "[seed, n_steps, rank]", "[seed, n_steps, 0]", OF_RANKS),
    Mutation("each step varies alike", RANKS, "[seed, n_steps, rank]", "[seed, 0, rank]", OF_RANKS),
    Mutation("the others soften from nothing", STEP, "self._softening.quantile, seed)", "None, seed)", OF_RANKS),
    Mutation("a cycle as long as for one", "trainer/cycles.py", "// self._n_batches)", "// 1)", OF_PROCESSES),
    Mutation(
        "old weights for the others",
        "trainer/parallel/rank.py",
        "        put_flat(encoders, weights)\n",
        "",
        OF_PROCESSES,
    ),
    Mutation(
        "others take the trainer's signals",
        "trainer/parallel/rank.py",
        "signal.SIG_IGN",
        "signal.SIG_DFL",
        OF_PROCESSES,
    ),
    Mutation(
        "softening off",
        BATCH_LOSS,
        "self._there(varied.log_weights[between])",
        "self._there(0 * varied.log_weights[between])",
        setting("a_look_alike_is_hardly_a_negative"),
    ),
    Mutation(
        "warm-up off",
        STEP,
        "WARM_UP_STEPS = 20",
        "WARM_UP_STEPS = 1",
        setting("the_first_steps_are_small_and_grow_to_the_learning_rate"),
    ),
    Mutation(
        "a rate that never grows",
        STEP,
        "min(1.0, (self.n_steps + 1) / WARM_UP_STEPS)",
        "1 / WARM_UP_STEPS",
        setting("the_first_steps_are_small_and_grow_to_the_learning_rate"),
    ),
    Mutation(
        "dropout off",
        BATCH_LOSS,
        "drop_features(hidden, self._sent(varied.kept[modality]), dropout)",
        "hidden",
        setting("every_kind_of_variation_changes_what_is_learned_from"),
    ),
    Mutation(
        "augmentation off",
        BATCH_LOSS,
        "augment(given, self._settings.augmentation, generator)",
        "given",
        setting("every_kind_of_variation_changes_what_is_learned_from"),
    ),
    Mutation(
        "decay off",
        STEP,
        "weight_decay=settings.weight_decay",
        "weight_decay=0.0",
        setting("weights_that_do_not_help_fade_by_the_decay"),
    ),
    Mutation(
        "raw windows are trained on",
        PACKED,
        "for row in rows]) - center) / scale",
        "for row in rows]))",
        setting("windows_are_learned_from_in_the_units_of_their_source"),
    ),
    Mutation("gradients add up", STEP, "self._optimiser.zero_grad(set_to_none=True)", "pass", ABSENT),
    Mutation(
        "all encoders begin alike",
        FRESH,
        "zlib.crc32(spec.name.encode())",
        "zlib.crc32(b'')",
        setting("encoders_of_two_modalities_begin_unlike"),
    ),
    Mutation("all seeds begin alike", FRESH, "seed * SPREAD", "seed * 2**32", OF_FIRST_WEIGHTS),
    Mutation("the quantile begins anew", STEP, '"quantile": self._softening.quantile', '"quantile": None', RESUMED),
    Mutation(
        "variations begin anew",
        STEP,
        'self._generator.set_state(torch.from_numpy(state.arrays["generator"].copy()))',
        "pass",
        RESUMED,
    ),
    Mutation("the temperature of the loss does nothing", LOSS, "rows @ rows.T / temperature", "rows @ rows.T", OF_LOSS),
    Mutation("one direction of the loss", LOSS, "(forward + backward) / 2", "forward", OF_LOSS),
    Mutation("what is related is a negative", LOSS, ".masked_fill(related, EXCLUDED)", "", OF_LOSS),
    Mutation("negatives all weigh alike", LOSS, "(logits + log_weights)", "logits", OF_LOSS),
    Mutation(
        "trust in a pair does nothing",
        BATCH_LOSS,
        "(losses * self._there(shares_of(edges.weights))).sum()",
        "losses.mean()",
        OF_PRODUCT,
    ),
    Mutation("negatives are of all modalities", LOSS, "exp() @ members", "exp() @ torch.ones_like(members)", OF_LOSS),
    Mutation(
        "the edge's own end is asked for its own modality",
        LOSS,
        "shares[keys, groups[queries]]",
        "shares[keys, groups[keys]]",
        OF_LOSS,
    ),
    Mutation(
        "unlike pairs are softened",
        LOSS,
        "(quantile - similarities) / width",
        "(similarities - quantile) / width",
        OF_LOSS,
    ),
    Mutation(
        "the quantile does not run", SOFTENING, "memory * self.quantile + (1 - memory) * seen", "seen", OF_SOFTENING
    ),
    Mutation(
        "the upper share is the lower",
        SOFTENING,
        "dtype=bool)], self._settings.quantile)",
        "dtype=bool)], 1 - self._settings.quantile)",
        OF_SOFTENING,
    ),
    Mutation(
        "equal labels are negatives",
        SOFTENING,
        "1 - label_likeness(windows)",
        "1 - 0 * label_likeness(windows)",
        OF_SOFTENING,
    ),
    Mutation(
        "natural edges are not learned",
        EDGES,
        "has[:, None, :] & within",
        "has[:, None, :] & within & False",
        OF_EDGES,
    ),
    Mutation(
        "what brought them together is learned",
        EDGES,
        "if shared in graph.modalities:",
        "if not shared:",
        OF_EDGES,
    ),
    Mutation(
        "a pair is related one way",
        EDGES,
        "related[left, right] = related[right, left] = True",
        "related[left, right] = True",
        OF_EDGES,
    ),
    Mutation(
        "pairs without trust are pairs",
        EDGES,
        "if partner is not None and weight > 0",
        "if partner is not None",
        OF_EDGES,
    ),
    Mutation(
        "windows shift one way",
        AUGMENTATION,
        "torch.randint(-furthest, furthest + 1",
        "torch.randint(0, furthest + 1",
        OF_AUGMENTATION,
    ),
    Mutation(
        "each step has a gain",
        AUGMENTATION,
        "torch.randn((n_rows, 1, 1)",
        "torch.randn((n_rows, n_steps, 1)",
        OF_AUGMENTATION,
    ),
    Mutation("left-out features are not made up for", AUGMENTATION, " / (1 - share)", " / 1", OF_AUGMENTATION),
)
