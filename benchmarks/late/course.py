"""A stream with a late modality through the product's loop, and what its encoders are worth after each cycle."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import permutations

import numpy as np

from benchmarks.default_settings import loop_settings
from benchmarks.late.stream import LateStream
from benchmarks.learning.score import weights_of
from deploy.recordings.recordings import Recordings
from deploy.replay.loop import Loop
from deploy.settings.config import Settings
from encoders.nets import EncoderFunction
from streams.models.registry import Registry
from trainer.controls import spread_steps
from trainer.judging.evaluation import evaluate

# The streams are short, the product's cycles are not: with these a run has about twenty.
CYCLE_BINDINGS = 32
NAN = float("nan")


@dataclass(slots=True, eq=False)
class Course:
    """Figures on held-out sources after each cycle of `cycles`; NaN where a modality had no encoder yet.

    Mean cmAP: `others` between the early modalities, `natural` between the late one and the shared one, which its
    sources have together, `bound` between the late one and those that it never met. `followed` is the version that
    was in use.
    """

    cycles: list[int] = field(default_factory=list)
    others: list[float] = field(default_factory=list)
    natural: list[float] = field(default_factory=list)
    bound: list[float] = field(default_factory=list)
    followed: list[int] = field(default_factory=list)
    chance: float = NAN

    @property
    def moments(self) -> tuple[int, int, int]:
        """Cycles: the last one without the late modality, the first one that trained it, the last one of all."""
        first = next((cycle for cycle, one in zip(self.cycles, self.natural, strict=True) if one == one), None)
        before = [cycle for cycle in self.cycles if first is None or cycle < first]
        last = self.cycles[-1]
        return (before or self.cycles[:1])[-1], last if first is None else first, last

    def at(self, cycle: int, name: str) -> float:
        """A figure as it was at the end of that cycle."""
        values: list[float] = getattr(self, name)
        return [value for one, value in zip(self.cycles, values, strict=True) if one <= cycle][-1]

    def share_passed(self, cycle: int) -> float:
        """Of the versions after that cycle, how many the gate let pass; a version ends a cycle here."""
        after = [followed for one, followed in zip(self.cycles, self.followed, strict=True) if one > cycle]
        n_cycles = self.cycles[-1] - cycle
        return len({*after} - {self.at(cycle, "followed")}) / n_cycles if n_cycles else NAN


def settings_for(recordings: Recordings, stream: LateStream, seed: int, n_steps: int) -> Settings:
    """The product's settings as they come, but for the length of a cycle, and cycles of equally many steps.

    Samples of the shared modality alone train nothing: without them in the buffer "never" would have fewer steps.
    """
    settings = loop_settings(recordings, stream.held_out, seed)
    trainer = settings.trainer.model_copy(update={"cycle_bindings": CYCLE_BINDINGS, "warm_samples": 1})
    return settings.model_copy(update={"trainer": spread_steps(trainer, stream.n_trained, n_steps)})


def run(stream: LateStream, settings: Settings) -> Course:
    """Replays the stream through the product's loop and measures its encoders whenever a cycle has ended."""
    course = Course()
    with tempfile.TemporaryDirectory() as folder:
        loop = Loop(settings, Registry(folder))

        def on_windows(n: int) -> None:
            if loop.learner.cycles.n_done > (course.cycles or [0])[-1]:
                _measure(course, stream, loop)

        loop.replay(stream.windows, on_windows=on_windows)
        _measure(course, stream, loop)
    return course


def _measure(course: Course, stream: LateStream, loop: Loop) -> None:
    specs = loop.settings.specs
    encoders = {name: EncoderFunction(specs[name], arrays) for name, arrays in weights_of(loop.learner).items()}
    figures = evaluate(encoders, stream.test)

    def mean(pairs: Sequence[tuple[str, str]], figure: str = "cmap") -> float:
        return float(np.mean([figures.get(f"retrieval/{one}->{other}/{figure}", NAN) for one, other in pairs]))

    shared, late = stream.early[0], stream.late
    early = list(permutations(stream.early, 2))
    course.cycles.append(loop.learner.cycles.n_done)
    course.followed.append(loop.followed)
    course.others.append(mean(early))
    course.natural.append(mean([(shared, late), (late, shared)]))
    course.bound.append(mean([pair for name in stream.early[1:] for pair in ((name, late), (late, name))]))
    course.chance = mean(early, "chance_cmap")
