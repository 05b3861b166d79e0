"""A simulated fleet, and what is said of the pairs found in it."""

from tests.mutants.mutation import Mutation

FLEET, COMMAND, TRUTH = "deploy/simulation/fleet.py", "deploy/simulation/command.py", "deploy/simulation/truth_files.py"
OF_FLEET = ("tests/deploy/simulation/test_fleet.py",)

MUTATIONS = (
    Mutation(
        "the truth is sent with the windows",
        FLEET,
        "self.activity(node, slot) if self._sends_labels else None",
        "self.activity(node, slot)",
        OF_FLEET,
    ),
    Mutation("a simulated fleet has none held out", FLEET, "n_complete=self.n_complete,", "n_complete=0,", OF_FLEET),
    Mutation("a slot lies in the future", FLEET, "self._hop_ns - n_slots)", "self._hop_ns - n_slots + 1)", OF_FLEET),
    Mutation(
        "labels are of nodes held out", FLEET, "order[node_id] >= self.n_complete", "order[node_id] >= 0", OF_FLEET
    ),
    Mutation("labels are given for every moment", FLEET, "if len(known) < per_activity and", "if", OF_FLEET),
    Mutation("two fleets share their nodes", FLEET, "count(end_ns // NS_PER_S)", "count(0)", OF_FLEET),
    Mutation(
        "the fleet's first modality is shared",
        FLEET,
        "settings.shared_modality if settings.shared",
        "next(iter(sensors)) if settings.shared",
        OF_FLEET,
    ),
    Mutation(
        "partners of others are judged",
        COMMAND,
        "if not one.partners or one.partners[0].sample_id in samples]",
        "]",
        OF_FLEET,
    ),
    Mutation("strange partners are not told", COMMAND, "* bool(n_strange)", "* 0", OF_FLEET),
    Mutation("speed adds no slots", COMMAND, "int(for_s * speed / hop_s)", "int(for_s / hop_s)", OF_FLEET),
    Mutation(
        "the truth lacks the modality's times",
        TRUTH,
        "np.array([one.start_ns for one in own])",
        "np.array([0 for one in own])",
        OF_FLEET,
    ),
    Mutation(
        "a version is not waited for",
        "deploy/simulation/command.py",
        "if len(view.decisions) != n_known:",
        "if False:",
        ("tests/deploy/simulation/test_command.py",),
    ),
)
