"""A version for processes without torch: its own vectors, or none."""

from tests.mutants.mutation import Mutation

GRAPH, EXPORT, MODEL = "deploy/models/onnx_graph.py", "deploy/models/export.py", "encoders/onnx_model.py"
OF_EXPORT = ("tests/deploy/models/test_export.py",)
OF_MODEL = ("tests/encoders/test_onnx_model.py",)

MUTATIONS = (
    Mutation("a graph does not clip", GRAPH, "np.float32(-CLIP)", "np.float32(-10 * CLIP)", OF_MODEL),
    Mutation(
        "a graph forgets the maxima", GRAPH, '("ReduceMean", "ReduceMax")', '("ReduceMean", "ReduceMean")', OF_MODEL
    ),
    Mutation("a graph that differs is written", EXPORT, "if not found <= TOLERANCE:", "if False:", OF_EXPORT),
    Mutation(
        "vectors that are no numbers are alike",
        EXPORT,
        "if not found <= TOLERANCE:",
        "if found > TOLERANCE:",
        OF_EXPORT,
    ),
    Mutation(
        "a graph is not compared with its hash", MODEL, ".hexdigest()) != sha256:", ".hexdigest()) == 0:", OF_MODEL
    ),
)
