"""Recordings through the whole loop in this process: no broker, the same core.

1. Windows go through the pipeline a few at a time. 2. Bindings go to the learner, which trains a cycle whenever one is
due. 3. After each cycle its encoders are judged by the gate and published to a registry, as the trainer does it. 4. If
they pass, the next generation is built from the history and swapped in before the next windows.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from deploy.recordings.recordings import Recordings
from deploy.recordings.truth import as_seen
from deploy.report.assessment import FinishedRun
from deploy.report.controls import Weights
from deploy.settings.config import Settings
from streams.labels import n_sensor_windows
from streams.models.registry import Registry
from streams.pipeline import Bound, Pipeline
from streams.records import Binding, Sample, SensorWindow
from trainer.candidate import judged_candidate
from trainer.learner import Learner
from trainer.step.ranks import OtherRanks
from trainer.topics.models import MemoryModels
from trainer.topics.publishing import Publisher

WINDOWS_AT_A_TIME = 64


@dataclass(slots=True, eq=False)
class Loop:
    """The loop without a broker; `registry` is where versions are published, `ranks` other processes that train.

    Its fields after the replay are what it did.
    """

    settings: Settings
    registry: Registry
    ranks: OtherRanks | None = None
    samples: dict[str, Sample] = field(default_factory=dict)
    bindings: list[Binding] = field(default_factory=list)
    weights: dict[int, Weights] = field(default_factory=dict)
    losses: dict[int, float] = field(default_factory=dict)
    steps_of_version: dict[int, int] = field(default_factory=dict)
    followed: int = 0
    pipeline: Pipeline = field(init=False)
    learner: Learner = field(init=False)
    models: MemoryModels = field(init=False, default_factory=MemoryModels)
    publisher: Publisher = field(init=False)

    def __post_init__(self) -> None:
        self.pipeline = Pipeline(self.settings)
        self.learner = Learner(
            self.settings.specs,
            self.settings.shared_modality,
            self.settings.trainer,
            device=self.settings.runtime.device,
            ranks=self.ranks,
        )
        channel = self.settings.registry.channel
        self.publisher = Publisher(self.models, self.registry, channel, time.time_ns)  # not started: announces at once

    def replay(self, windows: Sequence[SensorWindow], on_windows: Callable[[int], None] = lambda n: None) -> None:
        """Everything, to the end; a last cycle takes what is left over. Labels are not looked at, unless they bind."""
        for part in _parts(list(as_seen(windows, self.settings))):
            self._learn(self.pipeline.feed(part))  # 1
            on_windows(len(part))
        self._learn(self.pipeline.flush())
        if self.learner.cycles.n_new:
            self._learn(self.pipeline.review())
            self._cycle(is_last=True)

    def _learn(self, bound: Bound) -> None:
        self.samples |= {sample.sample_id: sample for sample in bound.samples}
        for binding in bound.bindings:
            self.bindings.append(binding)
            self.learner.admit(binding, self.samples)  # 2
            if self.learner.cycle_due:
                self._cycle()

    def _cycle(self, is_last: bool = False) -> None:
        cycle = self.learner.run_cycle()
        first_step = cycle.n_steps - len(cycle.losses) + 1
        self.losses |= dict(enumerate(cycle.losses, start=first_step))
        if cycle.cycle % self.settings.trainer.publish_every_cycles and not is_last:
            return
        self._publish(cycle.n_steps)

    def _publish(self, n_steps: int) -> None:
        candidate = judged_candidate(self.learner, self.publisher.last_version, time.time_ns())
        if candidate is None:
            return
        version = self.publisher.announce(candidate)  # 3
        self.weights[version] = candidate.bundle.weights
        self.steps_of_version[version] = n_steps
        if candidate.decision.passed:
            self._swap(version, self.registry.fetch(self.models.view.manifests[version]).weights)

    def _swap(self, version: int, weights: Weights) -> None:  # 4
        from encoders.nets import EncoderFunction

        specs, device = self.settings.specs, self.settings.runtime.device
        encoders = {name: EncoderFunction(specs[name], arrays, device=device) for name, arrays in weights.items()}
        self.pipeline.binder.use(version, encoders)
        self.followed = version

    def finished(self, recordings: Recordings) -> FinishedRun:
        """What came of the replay, for the report."""
        admitted = self.learner.counts["admitted"]
        n_refused = sum(self.pipeline.refused.values())
        n_windows = len(recordings.visible)
        return FinishedRun(
            recordings=recordings,
            settings=self.settings,
            trainer=self.settings.trainer,
            windows_in=n_windows,
            windows_lost=n_windows - n_refused - sum(map(n_sensor_windows, self.samples.values())),
            rejects=n_refused,
            samples=self.samples,
            bindings=self.bindings,
            trained_bindings=self.bindings,
            weights=self.weights,
            worker_model_version=self.followed,
            consumer_model_version=self.followed,
            pairs_trained=admitted,
            pairs_trained_twice=len(self.learner.admissions) - len(set(self.learner.admissions)),
            losses=self.losses,
            steps_of_version=self.steps_of_version,
            estimate=self.pipeline.binder.estimate,
            binding_weights=self._binding_weights(),
        )

    def _binding_weights(self) -> dict[str, float]:
        """Of each that may bind; one alone has all the say."""
        names = (self.settings.shared_modality, *self.settings.binding.also_shared)
        return {name: float(self.pipeline.binder.weights.get(name, 1.0)) for name in names}


def _parts(windows: Sequence[SensorWindow]) -> Iterator[Sequence[SensorWindow]]:
    for start in range(0, len(windows), WINDOWS_AT_A_TIME):
        yield windows[start : start + WINDOWS_AT_A_TIME]
