"""What is trained on."""

from tests.mutants.mutation import Mutation

BUFFER, PARTNERS = "trainer/replay/buffer.py", "trainer/replay/partners.py"
SPACING, SOURCES = "trainer/replay/spacing.py", "trainer/replay/sources.py"
OF_BUFFER = "tests/trainer/replay/test_buffer.py"
NEWEST = ("tests/trainer/test_newest_scaling.py",)
OF_PARTNERS = ("tests/trainer/replay/test_partners.py",)
SHARES = (f"{OF_BUFFER}::test_draws_partners_in_proportion_to_their_probabilities",)


def buffer(*names: str) -> tuple[str, ...]:
    """Tests of the buffer: all of them take long."""
    return tuple(f"{OF_BUFFER}::test_{name}" for name in names)


ROUNDS = buffer("a_newer_round_replaces_and_an_older_one_that_comes_late_does_not")
FULL = buffer("forgets_the_oldest_of_the_source_that_has_most_when_full")

MUTATIONS = (
    Mutation("confidence of the worst partner", BUFFER, "best = [max(", "best = [min(", OF_PARTNERS),
    Mutation(
        "an older round replaces", BUFFER, "present.round < binding.round", "present.round != binding.round", ROUNDS
    ),
    Mutation(
        "what was withheld is trained on",
        BUFFER,
        'binding.outcome == "withheld"',
        'binding.outcome == "alone"',
        buffer("a_withheld_binding_has_natural_edges_only"),
    ),
    Mutation(
        "a repeat is admitted",
        BUFFER,
        "if self.knows(identity):",
        "if not sample:",
        buffer("admits_a_sample_and_round_once"),
    ),
    Mutation(
        "replay is not balanced",
        BUFFER,
        "if self.settings.balanced_replay:",
        "if not self._samples:",
        buffer("draws_anchors_evenly_over_sources_however_many_samples_each_has"),
    ),
    Mutation(
        "replay is always balanced", BUFFER, "if self.settings.balanced_replay:", "if self._samples:", OF_PARTNERS
    ),
    Mutation(
        "anchors stand anywhere",
        SPACING,
        "SPACING_TRIES = 8",
        "SPACING_TRIES = 1",
        OF_PARTNERS,
    ),
    Mutation("partners stand anywhere", BUFFER, "partner = spacing.choose(choose)", "partner = choose()", OF_PARTNERS),
    Mutation(
        "what is forgotten stays",
        BUFFER,
        "            self._let_go(sample_id)\n",
        "            pass\n",
        OF_PARTNERS,
    ),
    Mutation("the newest is forgotten", SOURCES, "self._ids[source_id].pop(0)", "self._ids[source_id].pop()", FULL),
    Mutation(
        "the rarest source is forgotten",
        SOURCES,
        "(self._fullest, (-len(self._ids[source_id])",
        "(self._fullest, (len(self._ids[source_id])",
        FULL,
    ),
    Mutation(
        "bytes are not counted",
        BUFFER,
        "self.n_bytes > self.settings.replay_bytes",
        "self.n_bytes < 0",
        buffer("holds_no_more_bytes_of_windows_than_it_may"),
    ),
    Mutation(
        "a full buffer holds one more",
        BUFFER,
        "> self.settings.replay_samples",
        "> self.settings.replay_samples + 1",
        FULL,
    ),
    Mutation(
        "a companion is of one's own",
        BUFFER,
        "place + (own is not None and place >= own)",
        "place",
        buffer("an_anchor_without_edges_gets_a_companion_of_another_source_that_weighs_nothing"),
    ),
    Mutation(
        "what is thought to be wrong is learned from",
        PARTNERS,
        "partner.confidence < settings.min_confidence",
        "partner.confidence < 0",
        OF_PARTNERS,
    ),
    Mutation("samples keep the units of their arrival", BUFFER, "= self._newest.of", "= NewestScaling().of", NEWEST),
    Mutation(
        "nothing is known of newer units",
        "trainer/newest_scaling.py",
        ".update(sample.scaling)",
        ".update({})",
        NEWEST,
    ),
    Mutation(
        "randomness begins anew",
        BUFFER,
        "self._rng.bit_generator.state = state.random",
        "pass",
        buffer("goes_on_alike_from_a_snapshot"),
    ),
    Mutation(
        "all partners are as probable", PARTNERS, "np.cumsum([partner.probability for", "np.cumsum([1.0 for", SHARES
    ),
    Mutation(
        "a pair need teach nothing",
        PARTNERS,
        " if brings_new_pair(anchor, sample, self._shared)]",
        "]",
        buffer("an_edge_is_drawn_only_when_both_ends_are_there_and_bring_a_new_pair_of_modalities"),
    ),
    Mutation(
        "a companion counts as a partner",
        PARTNERS,
        "any_other(anchor.source_id, rng), 0.0",
        "any_other(anchor.source_id, rng), 1.0",
        buffer("an_anchor_without_edges_gets_a_companion_of_another_source_that_weighs_nothing"),
    ),
    Mutation(
        "all edges weigh alike",
        PARTNERS,
        'if settings.edge_weight == "similarity" else 1.0',
        "if not settings else 1.0",
        buffer("an_edge_weighs_what_the_setting_says"),
    ),
    Mutation(
        "related labels bind as equal ones do",
        PARTNERS,
        "if self._shared == LABEL else",
        "if not buffer else",
        OF_PARTNERS,
    ),
    Mutation(
        "a source is its own partner",
        PARTNERS,
        "if anchor.source_id == partner.source_id:",
        "if not shared:",
        OF_PARTNERS,
    ),
    Mutation("the improbable is drawn", PARTNERS, "if partner.probability > 0 and", "if", OF_PARTNERS),
)
