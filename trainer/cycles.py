"""When a cycle or a checkpoint is due, and which steps were taken when. Performs no I/O and reads no clock."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from trainer.pace import Pace
from trainer.settings import TrainerSettings

# Bindings admitted since the last checkpoint, and steps taken then.
Choice: TypeAlias = tuple[int, int]


class Cycles:
    """Counts new samples up to the next cycle, cycles up to the next checkpoint, and steps beyond the cycles.

    `pace` may be set; None is the usual one. `choices` say after how many of the Bindings that were admitted since the
    last checkpoint how many steps were taken: whoever does the same has the same weights.

    Args:
        settings: Of the trainer.
        n_samples: Tells how many are in the buffer.
        facts: Of earlier ones.
        choices: Of these, where there was no checkpoint since.
        n_batches: How many each step takes.
    """

    def __init__(
        self,
        settings: TrainerSettings,
        n_samples: Callable[[], int],
        facts: Mapping[str, Any],
        choices: Iterable[Choice] = (),
        n_batches: int = 1,
    ) -> None:
        self._settings, self._n_samples, self._n_batches = settings, n_samples, n_batches
        self.n_done: int = facts.get("n_cycles", 0)
        self.n_new = int(facts.get("n_since_cycle", 0))
        self.pace = Pace(*facts["pace"]) if facts.get("pace") else None
        self._n_extra, self._n_unsaved = int(facts.get("n_extra", 0)), 0
        self.choices: list[Choice] = list(choices)

    @property
    def n_until_next(self) -> int:
        """How many new samples are wanted before a cycle is due."""
        return (self.pace.n_new if self.pace else self._settings.cycle_bindings) - self.n_new

    @property
    def checkpoint_due(self) -> bool:
        """Whether the pace wants one: after every cycle, or after several short ones."""
        return self._n_unsaved >= (self.pace.n_cycles if self.pace else 1)

    @property
    def n_steps(self) -> int:
        """The steps of the next cycle."""
        return self.pace.n_steps if self.pace and self._n_samples() else self._usual_steps

    @property
    def samples_per_step(self) -> float:
        """New samples for each step of the next cycle."""
        return (self.n_until_next + self.n_new) / max(1, self.n_steps)

    @property
    def extra_left(self) -> int:
        """How many steps more may be taken on what the buffer holds while nothing new comes."""
        return max(0, round(self._settings.idle_cycles * self._usual_steps) - self._n_extra) if self.n_done else 0

    @property
    def extra_is_whole(self) -> bool:
        """Whether these are so many by now that a checkpoint is worth while."""
        return self._n_extra % self._usual_steps == 0

    def end_extra(self) -> None:
        """They bring nothing any more: there are none before the next cycle."""
        self._n_extra += self.extra_left

    @property
    def _usual_steps(self) -> int:
        return -(-self._settings.steps_of_cycle(self._n_samples()) // self._n_batches)

    def note_step(self, n_admitted: int, is_extra: bool) -> None:
        """A step was taken, so many Bindings having been admitted since the last checkpoint."""
        self._n_extra += is_extra
        n_steps = self.choices.pop()[1] if self.choices and self.choices[-1][0] == n_admitted else 0
        self.choices.append((n_admitted, n_steps + 1))

    def note_cycle(self) -> None:
        """A cycle is done."""
        self.n_done += 1
        self._n_unsaved += 1
        self.n_new = self._n_extra = 0

    def saved(self) -> None:
        """There is a checkpoint."""
        self.choices.clear()
        self._n_unsaved = 0

    def facts(self) -> dict[str, Any]:
        """The same in what JSON can hold."""
        return {
            "n_cycles": self.n_done,
            "n_since_cycle": self.n_new,
            "n_extra": self._n_extra,
            "pace": self.pace,
        }
