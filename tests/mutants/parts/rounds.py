"""A round over the whole history: who is known, who is asked beside whom, and when what came of it is told."""

from tests.mutants.mutation import Mutation

GRAPH, REMEMBERED = "streams/review/candidate_graph.py", "streams/review/remembered.py"
SELECTION, QUESTION = "streams/review/selection.py", "streams/review/question.py"
REVIEW, JOB = "streams/review/review.py", "streams/review/round_job.py"
ASSIGNMENT = "streams/arrival/assignment.py"

OF_GRAPH = ("tests/streams/review/test_candidate_graph.py",)
OF_REMEMBERED = ("tests/streams/review/test_remembered.py",)
OF_QUESTION = ("tests/streams/review/test_question.py",)
OF_JOB = ("tests/streams/review/test_round_job.py",)
OF_ASSIGNMENT = ("tests/streams/arrival/test_assignment.py",)
ROUNDS = "tests/streams/review/test_rounds.py"
OF_TELLING = (f"{ROUNDS}::test_all_are_asked_at_the_next_sample_after_a_swap_and_told_soon",)


def selection(*names: str) -> tuple[str, ...]:
    """Tests of whom a round asks."""
    return tuple(f"tests/streams/review/test_selection.py::test_{name}" for name in names)


WHO = selection(
    "those_that_are_new_are_asked_and_of_the_others_those_whose_answer_is_likely_to_change",
    "of_those_whose_answer_is_likely_to_change_the_likeliest_are_asked",
)
BESIDE = selection("a_table_has_the_best_candidates_of_those_who_are_asked_and_a_part_drawn_at_random")
COVERED = selection("who_is_not_asked_has_an_answer_where_all_its_candidates_are_there")
CHANGED = selection("only_changed_answers_are_sent_and_those_that_are_surer_by_much")
NEWS = (
    "tests/streams/review/test_answers.py::test_who_was_bound_to_another_kind_keeps_that_when_the_history_has_none_left",
)
SURER = ("tests/streams/review/test_answers.py::test_an_answer_is_told_again_where_it_is_surer_by_much_and_only_there",)
SWAP = ("tests/streams/review/test_answers.py::test_old_samples_are_asked_again_after_a_swap_and_only_then",)

MUTATIONS = (
    Mutation(
        "candidates are kept at one end",
        GRAPH,
        "np.concatenate([young, old]), np.concatenate([old, young]), np.concatenate([scores, scores])",
        "young, old, scores",
        OF_GRAPH,
    ),
    Mutation("gains are never counted", GRAPH, "np.add.at(self._gains, places, gains)", "pass", OF_GRAPH),
    Mutation(
        "gains of one round count once",
        GRAPH,
        "np.add.at(self._gains, places, gains)",
        "self._gains[places] = gains",
        OF_GRAPH,
    ),
    Mutation("any candidate is a gain", GRAPH, "np.where(has_few, 0, bar)", "np.float32(0)", OF_GRAPH),
    Mutation("an answer leaves its gain", GRAPH, "% len(self._gains)] = 0", "% len(self._gains)] *= 1", OF_GRAPH),
    Mutation("the worst candidates are kept", GRAPH, "np.argsort(-values", "np.argsort(values", OF_GRAPH),
    Mutation(
        "a sample inherits candidates",
        GRAPH,
        "self._ids[place], self._scores[place], self._gains[place] = -1, NO_SIMILARITY, 0",
        "self._gains[place] = 0",
        OF_GRAPH,
    ),
    Mutation("after a swap no gain is raised", GRAPH, "+= np.float32(gain)", "+= np.float32(0)", (*OF_GRAPH, *SWAP)),
    Mutation(
        "after a swap nobody is asked again",
        REVIEW,
        "self._remembered.numbers[-RENEWED:], RENEWED_GAIN",
        "self._remembered.numbers[:0], RENEWED_GAIN",
        SWAP,
    ),
    Mutation(
        "rows of the index are taken for samples",
        REMEMBERED,
        "self.graph.connect(self._numbers_of)",
        "self.graph.connect()",
        OF_REMEMBERED,
    ),
    Mutation("windows are never let go of", REMEMBERED, "row.windows = None", "pass", OF_REMEMBERED),
    Mutation(
        "windows of a table are let go of",
        REMEMBERED,
        "max(settings.held_windows, settings.review_samples)",
        "settings.held_windows",
        OF_REMEMBERED,
    ),
    Mutation(
        "windows are let go of before they were looked at",
        REMEMBERED,
        "            yield table\n            for row in table.rows:\n                row.windows = None\n",
        "            for row in table.rows:\n                row.windows = None\n            yield table\n",
        OF_REMEMBERED,
    ),
    Mutation("none is too old to be asked", REMEMBERED, ".start_ns < oldest_ns:", ".start_ns < 0:", OF_REMEMBERED),
    Mutation(
        "candidates that are forgotten are offered",
        REMEMBERED,
        "found >= self.first, found, -1",
        "found >= 0, found, -1",
        OF_REMEMBERED,
    ),
    Mutation(
        "candidates that teach nothing come first too",
        REMEMBERED,
        "np.where(found < 0, 2, ~new)",
        "np.where(found < 0, 2, 0)",
        OF_REMEMBERED,
    ),
    Mutation(
        "new samples take places of those that are asked", REMEMBERED, ", 2 * EFFECT_EVERY_ROWS)", ", 1)", OF_REMEMBERED
    ),
    Mutation(
        "a first partner never brings a modality",
        REMEMBERED,
        "row.brings_new = best >= self.first and",
        "row.brings_new = best < 0 and",
        OF_REMEMBERED,
    ),
    Mutation(
        "nobody is asked again",
        SELECTION,
        "[promising[remembered.graph.gains(promising) > 0], new]",
        "[promising[:0], new]",
        WHO,
    ),
    Mutation(
        "those to whom nothing came are asked again",
        SELECTION,
        "promising[remembered.graph.gains(promising) > 0]",
        "promising",
        WHO,
    ),
    Mutation("the least likely are asked again", SELECTION, "np.argsort(-gains", "np.argsort(gains", WHO),
    Mutation("a table has no random part", SELECTION, "max(0, size - n_drawn)", "size", BESIDE),
    Mutation(
        "a table has no candidates of those asked",
        SELECTION,
        "_choose(chosen, _by_votes(remembered, asked), max(0, size - n_drawn), remembered.first)",
        "pass",
        BESIDE,
    ),
    Mutation(
        "any candidate is as good as the first",
        SELECTION,
        "np.lexsort((-voted, best[voted]))",
        "np.argsort(-voted)",
        BESIDE,
    ),
    Mutation(
        "answers are taken though candidates are missing",
        SELECTION,
        "_are_covered(remembered, numbers[chosen], chosen)",
        "True",
        COVERED,
    ),
    Mutation(
        "answers of those not asked are never taken",
        SELECTION,
        "is_asked[chosen] = _are_covered(remembered, numbers[chosen], chosen)",
        "pass",
        COVERED,
    ),
    Mutation(
        "answers are sent though they are the same", REVIEW, " or _is_same(row, answer, confidence))", ")", CHANGED
    ),
    Mutation("a change of confidence is never told", REVIEW, "is_as_sure and row", "row", SURER),
    Mutation("a pair that brings a modality is given up", REVIEW, "row.brings_new > brings_new or ", "", NEWS),
    Mutation("a round is told at once", REVIEW, "begun_at >= self._patience", "begun_at >= 0", OF_TELLING),
    Mutation(
        "most_uses is ignored in a round", QUESTION, "best[crowded & ~table.bring_new] = -np.inf", "pass", OF_QUESTION
    ),
    Mutation(
        "who is crowded out loses what it had",
        QUESTION,
        "best[crowded & ~table.bring_new]",
        "best[crowded]",
        OF_QUESTION,
    ),
    Mutation(
        "most_uses is ignored on arrival", ASSIGNMENT, "usable &= use < settings.most_uses", "pass", OF_ASSIGNMENT
    ),
    Mutation("an estimate is seen before its round has ended", JOB, "question.copy()", "question", OF_JOB),
    Mutation(
        "comparisons are seen before their round has ended",
        QUESTION,
        "dict(self.comparisons), dict(self.weights)",
        "self.comparisons, self._weights",
        OF_JOB,
    ),
    Mutation("a round that failed says nothing", JOB, "raise self._error", "return None", OF_JOB),
    Mutation("new samples wait for a round", JOB, "self._thread.start()", "self._thread.run()", OF_JOB),
)
