"""What keeps work from piling up without changing what comes out: blocks, kinds, micro-batches."""

from tests.mutants.mutation import Mutation

BLOCKS, KINDS = "encoders/blocks.py", "streams/precision/kinds.py"
FAUST_APP, BIND, OPINION = (
    "streams/worker/faust_app.py",
    "streams/worker/bind_stage.py",
    "streams/review/second_opinion.py",
)
GRAPH = "streams/review/candidate_graph.py"
OF_BLOCKS = ("tests/encoders/test_blocks.py",)
OF_KINDS = ("tests/streams/precision/test_kinds.py",)
OF_FETCHED = ("tests/streams/worker/test_fetched.py",)
OF_BIND = ("tests/streams/worker/test_bind_stage.py",)
OF_OPINION = ("tests/streams/review/test_second_opinion.py",)
OF_GRAPH = ("tests/streams/review/test_candidate_graph.py",)

MUTATIONS = (
    Mutation("blocks of all sizes are safe", BLOCKS, "and _is_alike(work, rows, full, size)", "", OF_BLOCKS),
    Mutation("only the first block is tried", BLOCKS, "range(0, cut, size)", "range(0, size, size)", OF_BLOCKS),
    Mutation("kinds share a shift", KINDS, "right(units + middle[group])", "right(units + middle[0])", OF_KINDS),
    Mutation(
        "unknown pairs are taken for known ones",
        KINDS,
        "np.where(keys[places] == asked, places, -1)",
        "places",
        OF_KINDS,
    ),
    Mutation(
        "an answer holds for when it was read",
        FAUST_APP,
        "        return before\n",
        "        return answered_ms\n",
        OF_FETCHED,
    ),
    Mutation("an answer that is looked at twice is two", FAUST_APP, "if answered_ms != last:", "if True:", OF_FETCHED),
    Mutation(
        "windows that are gone are embedded", OPINION, "table.having_embedded(name)", "table.having(name)", OF_OPINION
    ),
    Mutation(
        "a tick waits for a broker that is away",
        BIND,
        "if self._delivering is not None and self._delivering.done():",
        "if self._delivering is not None:",
        OF_BIND,
    ),
    Mutation(
        "Bindings of two micro-batches are written at once",
        BIND,
        "            await self._delivered()\n            self._delivering =",
        "            self._delivering =",
        OF_BIND,
    ),
    Mutation(
        "candidates that are full take no better one",
        GRAPH,
        "better = scores > self",
        "better = scores > 9 + self",
        OF_GRAPH,
    ),
)
