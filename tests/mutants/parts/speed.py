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
GENERATION, NODE_WATCH = "streams/arrival/generation.py", "streams/intake/node_watch.py"
OF_ROUNDS = ("tests/streams/review/test_rounds.py",)
OF_GENERATION = ("tests/streams/arrival/test_generation.py",)
OF_PROCESS = ("tests/streams/worker/test_bind_process.py",)
OF_NODES = ("tests/streams/intake/test_node_watch.py",)
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
    Mutation(
        "a swap waits for the round that goes on",
        "streams/review/review.py",
        "        self._encoders, self._held = encoders, held\n        for row",
        "        self._encoders, self._held = encoders, held\n        self._job and self._job.wait()\n        for row",
        OF_ROUNDS,
    ),
    Mutation(
        "nobody is asked again where a round went on",
        "streams/binder.py",
        " or (later and self._asks_again)",
        "",
        OF_ROUNDS,
    ),
    Mutation(
        "a build catches up once",
        "streams/arrival/generation.py",
        "CATCHES_UP = 0.9",
        "CATCHES_UP = 0.0",
        OF_GENERATION,
    ),
    Mutation(
        "an answer that nobody waits for is the next one's",
        "streams/worker/bind_process.py",
        "while answered != number:",
        "while answered < 0:",
        OF_PROCESS,
    ),
    Mutation(
        "what binds ends at a signal",
        "streams/worker/bind_process.py",
        "(signal.SIGINT, signal.SIGTERM)",
        "()",
        OF_PROCESS,
    ),
    Mutation(
        "errors are sent as they are",
        "streams/worker/portable_error.py",
        "pickle.loads(pickle.dumps(error))",
        "error",
        OF_PROCESS,
    ),
    Mutation(
        "all nodes are looked at",
        NODE_WATCH,
        "return len(self.groups) == WATCHED and",
        "return",
        OF_NODES,
    ),
    Mutation("lonely windows are not counted", NODE_WATCH, "(len(group.modalities) == 1)\n", "False\n", OF_NODES),
)
