"""How the trainer keeps up: what it chooses, what it passes over, and what it may do meanwhile."""

from tests.mutants.mutation import Mutation

PACE, ADMISSION, CYCLES, TRAINING = (f"trainer/{name}.py" for name in ("pace", "admission", "cycles", "training"))
OF_PACE, OF_CYCLES = ("tests/trainer/test_pace.py",), ("tests/trainer/test_cycles.py",)


def keeping_up(name: str) -> tuple[str, ...]:
    """A test of the loop."""
    return (f"tests/trainer/test_keeping_up.py::test_{name}",)


MUTATIONS = (
    Mutation(
        "a long backlog gets as many steps",
        PACE,
        "max(1.0, n_waiting / (LONG_BACKLOGS * settings.backlog_bindings))",
        "1.0",
        OF_PACE,
    ),
    Mutation(
        "training may starve",
        PACE,
        "n_bindings = max(1.0, min(n_bindings, self._step_s / least_s))",
        "n_bindings = max(1.0, n_bindings)",
        OF_PACE,
    ),
    Mutation(
        "rounds are passed over across a cycle",
        ADMISSION,
        "if n_wanted <= 0:",
        "if n_wanted <= -len(batch):",
        keeping_up("a_round_is_not_passed_over_where_a_cycle_may_come_before_the_next"),
    ),
    Mutation(
        "every round is read",
        ADMISSION,
        "if 0 < arrived.round < newest.get(arrived.sample_id, 0):",
        "if arrived.round < 0:",
        keeping_up("rounds_that_a_later_one_replaces_before_the_next_cycle_are_passed_over_unread"),
    ),
    Mutation(
        "the pace is not saved",
        CYCLES,
        '"pace": self.pace',
        '"pace": None',
        keeping_up("a_run_that_goes_on_from_a_checkpoint_keeps_the_pace_that_stands_in_it"),
    ),
    Mutation("idle steps never end", CYCLES, " - self._n_extra) if self.n_done", ") if self.n_done", OF_CYCLES),
    Mutation(
        "what comes while steps are taken is left there",
        TRAINING,
        "        self._read_ahead()\n",
        "        pass\n",
        keeping_up("what_comes_while_steps_are_taken_is_read_before_the_cycle_ends"),
    ),
    Mutation(
        "idle steps that bring nothing are gone on with",
        TRAINING,
        "not candidate.is_best:",
        "not candidate:",
        keeping_up("steps_that_bring_nothing_are_not_gone_on_with"),
    ),
)
