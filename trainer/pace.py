"""How many steps new samples get: all that are due while little waits, fewer the more does. Reads no clock itself."""

from typing import NamedTuple

from trainer.settings import TrainerSettings

# Where more waits than a moment's worth, steps leave time to admit so many Bindings a second, ...
ADMITTED_PER_S = 2_500
# ... but however slow admission is, they have this share of the time: training never stands still.
LEAST_SHARE = 0.2
# Beyond so many times what counts as a backlog, steps become still fewer, in proportion.
LONG_BACKLOGS = 10
# Of what was measured before a step, or before so many Bindings, this share counts. All chosen by hand.
MEMORY, MEMORY_BINDINGS = 0.8, 2_000


class Pace(NamedTuple):
    """A cycle of `n_steps` after every `n_new` new samples, and a checkpoint after `n_cycles` of these.

    It stands in the checkpoint before the cycles that it is for. So they are a function of the Bindings alone,
    whenever these come, and whoever goes on from the checkpoint trains the very same.
    """

    n_new: int
    n_steps: int
    n_cycles: int


class Pacing:
    """Chooses the pace from what waits, by what steps and admission have cost so far.

    Args:
        settings: Of the trainer.
    """

    def __init__(self, settings: TrainerSettings) -> None:
        self._settings = settings
        self._step_s = self._bindings_s = self._n_bindings = self._n_new = 0.0

    def note_step(self, seconds: float) -> None:
        """A step took so long."""
        self._step_s = MEMORY * self._step_s + (1 - MEMORY) * seconds if self._step_s else seconds

    def note_bindings(self, n_bindings: int, n_new: int, seconds: float) -> None:
        """So many Bindings, of which some brought a new sample, were read and admitted in this time."""
        kept = MEMORY ** (n_bindings / MEMORY_BINDINGS)
        self._bindings_s = kept * self._bindings_s + seconds
        self._n_bindings = kept * self._n_bindings + n_bindings
        self._n_new = kept * self._n_new + n_new

    def choose(self, n_waiting: int) -> Pace | None:
        """The pace while so many Bindings wait; None is the usual one of the settings, where few do."""
        settings = self._settings
        if n_waiting < settings.backlog_bindings or not self._step_s or not self._bindings_s:
            return None
        binding_s = self._bindings_s / self._n_bindings
        # Seconds of steps for each Binding.
        least_s = binding_s * LEAST_SHARE / (1 - LEAST_SHARE)
        spare_s = max(1 / ADMITTED_PER_S - binding_s, least_s)
        n_bindings = self._step_s / spare_s * max(1.0, n_waiting / (LONG_BACKLOGS * settings.backlog_bindings))
        n_bindings = max(1.0, min(n_bindings, self._step_s / least_s))
        # It ends before the backlog does, and before the books of what was admitted since a checkpoint are full.
        n_upto = min(n_waiting, settings.remembered_bindings) / 2
        n_cycles = max(1, min(settings.steps_per_cycle, int(n_upto / n_bindings)))
        return Pace(max(1, round(n_bindings * self._n_new / self._n_bindings)), 1, n_cycles)
