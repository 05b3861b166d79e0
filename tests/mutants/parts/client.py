"""Raw samples to windows: what is resampled, what is left out, and what clients are told."""

from tests.mutants.mutation import Mutation

CUTTER, SAMPLES = "streams/cutting/cutter.py", "streams/cutting/samples.py"
CATALOGUE, LOADING = "streams/catalogue.py", "streams/standalone/mmbind_client/__init__.py"


def cutter(name: str) -> tuple[str, ...]:
    """A test of the cutter."""
    return (f"tests/streams/cutting/test_cutter.py::test_{name}",)


MUTATIONS = (
    Mutation(
        "each modality of a node has a phase of its own",
        CUTTER,
        "if self._origin_ns is None:",
        "if True:",
        cutter("all_sensors_of_a_node_are_cut_at_the_same_instants"),
    ),
    Mutation(
        "windows are cut across a gap",
        CUTTER,
        "abs(int(t[0]) - self._last_ns) > self._gap_ns",
        "int(t[0]) < self._last_ns - self._gap_ns",
        cutter("a_long_gap_costs_the_windows_that_it_touches_and_no_other"),
    ),
    Mutation(
        "a clock that steps back is waited for",
        CUTTER,
        "back = np.flatnonzero(before[:-1] - t > self._gap_ns)",
        "back = np.flatnonzero(t < 0)",
        cutter("a_clock_that_steps_back_within_a_push_starts_anew_as_well"),
    ),
    Mutation(
        "a start is cut twice",
        CUTTER,
        "if self._started.note(start_ns):",
        "if self._started.note(start_ns) or True:",
        cutter("a_clock_that_steps_back_starts_anew_in_the_nodes_phase_and_repeats_no_start"),
    ),
    Mutation(
        "the sample before the next start is forgotten",
        CUTTER,
        'first = max(0, int(np.searchsorted(self._t, self._next_ns, side="right")) - 1)',
        'first = int(np.searchsorted(self._t, self._next_ns, side="right"))',
        cutter("a_line_leads_from_the_sample_before_the_next_start_also_if_it_came_with_the_push_before"),
    ),
    Mutation(
        "samples before the next start are held",
        CUTTER,
        "self._t[first:].copy(), self._values[first:].copy()",
        "self._t, self._values",
        cutter("what_it_holds_is_bounded"),
    ),
    Mutation(
        "what is not finite is resampled",
        CUTTER,
        "is_measured = np.isfinite(values).all(axis=1)",
        "is_measured = np.ones(len(values), bool)",
        cutter("a_row_that_is_not_finite_counts_as_missing"),
    ),
    Mutation(
        "times in ms are taken for ns",
        SAMPLES,
        "is_wrong = (times < year_ns(EARLIEST_YEAR)) | ",
        "is_wrong = ",
        ("tests/streams/cutting/test_samples.py",),
    ),
    Mutation(
        "clients are never told that a modality is gone",
        CATALOGUE,
        "return changed | dict.fromkeys(known.keys() - wanted.keys())",
        "return changed",
        ("tests/streams/test_catalogue.py::test_only_what_changed_is_written",),
    ),
    Mutation(
        "the client imports the streams that stands beside the script",
        LOADING,
        "if node.module and not node.level and",
        "if node.module and node.level and",
        ("tests/packaging/test_client.py",),
    ),
)
