"""From few labels to all samples."""

from tests.mutants.mutation import Mutation

SPREADING, MIXTURE = "trainer/labelling/spreading.py", "trainer/labelling/mixture.py"
GRAPH, FLEET = "trainer/labelling/graph.py", "trainer/labelling/fleet.py"
OF_SPREADING = ("tests/trainer/labelling/test_spreading.py",)
OF_MIXTURE = ("tests/trainer/labelling/test_mixture.py",)
OF_GRAPH = ("tests/trainer/labelling/test_graph.py",)
OF_FLEET = ("tests/trainer/labelling/test_fleet.py",)

MUTATIONS = (
    Mutation(
        "mass is divided by the degree of one end only",
        SPREADING,
        "weights * scale[both[0]] * scale[both[1]]",
        "weights * scale[both[0]] * scale[both[0]]",
        OF_SPREADING,
    ),
    Mutation("probabilities are not modest", MIXTURE, "MODESTY = 0.85", "MODESTY = 1.0", OF_MIXTURE),
    Mutation(
        "look-alikes of another kind pass labels on",
        GRAPH,
        "kinds.setdefault(frozenset(one.rows), [])",
        "kinds.setdefault(frozenset(list(one.rows)[:1]), [])",
        OF_GRAPH,
    ),
    Mutation(
        "a label of a time is of what begins in it",
        FLEET,
        "start_ns <= sample.middle_ns",
        "start_ns <= sample.start_ns",
        OF_FLEET,
    ),
)
