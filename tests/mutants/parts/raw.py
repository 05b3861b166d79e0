"""Raw windows: whose scaling the stream tells, when, and what a process embeds them with."""

from tests.mutants.mutation import Mutation

NEWS, STAGE = "streams/intake/scaling_news.py", "streams/worker/ingest_stage.py"
RAW, SCALINGS = "streams/models/raw.py", "streams/models/node_scalings.py"
EMBEDDER = "streams/models/embedder.py"
OF_NEWS = ("tests/streams/intake/test_scaling_news.py",)
OF_RAW = ("tests/streams/models/test_raw.py",)
OF_FOLLOWER = ("tests/streams/test_follower_raw.py",)

MUTATIONS = (
    Mutation("a scaling is told before it is complete", NEWS, "scaling.n_windows < self._n_fit", "False", OF_NEWS),
    Mutation("a scaling is compared with the last one", NEWS, "= told, n_since + 1", "= scaling, n_since + 1", OF_NEWS),
    Mutation("only the center moves", NEWS, "np.any(moved | (", "np.any(moved & (", OF_NEWS),
    Mutation("a scaling expires", NEWS, " or n_since >= AGAIN_AFTER", "", OF_NEWS),
    Mutation(
        "each word of a batch is told",
        NEWS,
        "return list(news.values())",
        "return [*news.values(), *news.values()]",
        OF_NEWS,
    ),
    Mutation(
        "no scaling is told",
        STAGE,
        "messages += self._outbox.scalings(self._scalings.of(known))",
        "pass",
        OF_FOLLOWER,
    ),
    Mutation("a sensor of other channels is scaled", RAW, " and known.center.shape == values.shape[2:]", "", OF_RAW),
    Mutation("what came before the stream knew it stays", RAW, "self._own.pop(key, None)", "pass", OF_RAW),
    Mutation("windows that are not finite count", RAW, "if not np.isfinite(array).all():", "if False:", OF_RAW),
    Mutation("nobody asks the stream", RAW, "if known is not None and", "if False and", OF_RAW),
    Mutation(
        "a scaling that was taken back stays", SCALINGS, "self._known.pop((source_id, modality), None)", "pass", OF_RAW
    ),
    Mutation(
        "a dead scaling is used",
        SCALINGS,
        "checked_node_scaling(decode(record.value, NodeScaling))",
        "decode(record.value, NodeScaling)",
        OF_RAW,
    ),
    Mutation(
        "raw windows are not scaled",
        EMBEDDER,
        "lambda model: raw.windows, raw.scaling",
        "lambda model: raw.windows, None",
        OF_FOLLOWER,
    ),
    Mutation(
        "recordings of other channels are scaled as the stream says",
        "deploy/downstream/stream_scaling.py",
        " and told[sample.source_id, name].center.shape == values.shape[1:]",
        "",
        ("tests/deploy/downstream/test_stream_scaling.py",),
    ),
)
