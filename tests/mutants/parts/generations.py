"""Generations that replace one another: what is gone back to, what is let go of, what nobody wants any more."""

from tests.mutants.mutation import Mutation

BINDER, GENERATION = "streams/binder.py", "streams/arrival/generation.py"
HELD, INDEX = "streams/arrival/held_generation.py", "streams/history/index.py"
WATCH, MAILBOX, BIND = "streams/models/watch.py", "streams/worker/mailbox.py", "streams/worker/bind_stage.py"
BUILD, MODELS = "streams/worker/model_build.py", "streams/worker/model_stage.py"
OF_STAGE = ("tests/streams/worker/test_model_stage.py",)
OF_BUILD = ("tests/streams/worker/test_model_build.py",)
OF_VERSIONS = ("tests/streams/test_one_version.py",)
OF_HELD = ("tests/streams/arrival/test_held_generation.py",)
OF_BYTES = ("tests/streams/history/test_index_bytes.py",)

MUTATIONS = (
    Mutation(
        "going back builds anew",
        BINDER,
        "self._held.take(version, self._review.descriptor)",
        "self._held.take(-1, self._review.descriptor)",
        OF_HELD,
    ),
    Mutation(
        "another model's generation is gone back to",
        HELD,
        "(held.version, held.descriptor) != (version, descriptor)",
        "held.descriptor != descriptor",
        OF_HELD,
    ),
    Mutation(
        "windows are compared as they were before",
        HELD,
        "(held.version, held.descriptor) != (version, descriptor)",
        "held.version != version",
        OF_HELD,
    ),
    Mutation("however much is held", HELD, "if retired.n_bytes > self._most_bytes:", "if not retired:", OF_HELD),
    Mutation(
        "what is displaced stays open",
        HELD,
        "        self._let_go()\n        self._generation = retired",
        "        self._generation = retired",
        OF_HELD,
    ),
    Mutation("what is let go of keeps its thread", HELD, "self._generation.index.close()", "pass", OF_HELD),
    Mutation(
        "rows that are gone are waited for", HELD, "self._generation.n_rows < first_row", "first_row < 0", OF_HELD
    ),
    Mutation(
        "what is given away is held too",
        HELD,
        "        self._generation = None\n        return held",
        "        return held",
        OF_HELD,
    ),
    Mutation(
        "going back begins in the middle",
        GENERATION,
        "if self.generation.index.n_vectors:",
        "if not self.generation:",
        OF_HELD,
    ),
    Mutation(
        "what the store drops meanwhile is lost",
        GENERATION,
        "store.pieces(generation.n_rows, store.n_rows)",
        "store.pieces(store.n_rows, store.n_rows)",
        OF_HELD,
    ),
    Mutation("a graph's locks weigh nothing", INDEX, "return GRAPH_BYTES + ", "return ", OF_BYTES),
    Mutation("graphs weigh nothing", INDEX, "(self._graph_bytes if self._is_sealed(one) else 0)", "0", OF_BYTES),
    Mutation("a build goes on whatever is wanted", WATCH, "if self.wanted < version or (", "if (", OF_STAGE),
    Mutation(
        "a build goes on where a newer one is wanted", WATCH, "self.wanted > version and not", "False and not", OF_STAGE
    ),
    Mutation("no build ends where versions come fast", WATCH, " and not self._has_passed_over)", ")", OF_STAGE),
    Mutation(
        "after one that was passed over none ever is again",
        WATCH,
        "        self._has_passed_over = False\n",
        "",
        OF_STAGE,
    ),
    Mutation(
        "a worker begins without the model that was passed over",
        MODELS,
        "if self._mailbox.has_begun:",
        "if True:",
        OF_STAGE,
    ),
    Mutation(
        "a version that is passed over has failed",
        WATCH,
        "except PassedOver as passed:",
        "except ZeroDivisionError as passed:",
        OF_STAGE,
    ),
    Mutation(
        "what is passed over is wanted all the same",
        MAILBOX,
        "            self.wanted = self.in_use\n            self.changed.notify_all()\n            return",
        "            return",
        OF_STAGE,
    ),
    Mutation("a swap at the last moment is not seen", MAILBOX, "return self.in_use is model", "return False", OF_STAGE),
    Mutation(
        "a build that nobody wants is kept",
        BIND,
        "            if self._building is not None:\n                await self._do(BindWork.abandon)\n",
        "            if self._building is not None:\n",
        OF_STAGE,
    ),
    Mutation(
        "the generation before a newer one stays open",
        BUILD,
        "        self.abandon()\n        self._began_s",
        "        self._began_s",
        OF_BUILD,
    ),
    Mutation(
        "a Binding names the version before",
        BINDER,
        "taken.outcome, taken.partners, self.version)",
        "taken.outcome, taken.partners, self.swaps[-2].version if len(self.swaps) > 1 else 0)",
        OF_VERSIONS,
    ),
    Mutation(
        "a round names the version that binds when it ends",
        BINDER,
        "outcome, partners, later.version)",
        "outcome, partners, self.version)",
        OF_VERSIONS,
    ),
    Mutation(
        "new vectors are looked for among the old ones",
        BINDER,
        "        self._held.hold(retired)\n",
        "        if retired.index.dim == self._generation.index.dim:\n"
        "            vars(self._generation.index)['_segments'] = retired.index._segments\n",
        OF_VERSIONS,
    ),
    Mutation(
        "a round asks the encoders that come next",
        BINDER,
        "        generation = generation or self._new",
        "        self._review.use(encoders, lambda ids: self._generation.learned_vectors(self.store.rows(ids)))\n"
        "        generation = generation or self._new",
        OF_VERSIONS,
    ),
    Mutation(
        "a model is refused since the stream was fast", BUILD, "except RowsGone:", "except ZeroDivisionError:", OF_BUILD
    ),
)
