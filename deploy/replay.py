"""Recordings through the whole loop in this process: no broker, the same core.

1. Windows go through the pipeline a few at a time. 2. Bindings go to the learner, which trains a cycle whenever one is
due. 3. After each cycle its encoders are published to a registry and judged by the gate. 4. If they pass, the next
generation is built from the history and swapped in before the next windows.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy.assessment import FinishedRun
from deploy.comparison import Weights
from deploy.config import Settings, find_file, load
from deploy.recordings import Recordings
from deploy.report import Report
from deploy.truth import as_seen
from streams.labels import n_sensor_windows
from streams.pipeline import Bound, Pipeline
from streams.records import Binding, Sample, SensorWindow
from streams.registry import Registry
from trainer.controls import spread_steps
from trainer.learner import Learner
from trainer.promotion import decide

WINDOWS_AT_A_TIME = 64


@dataclass(frozen=True, slots=True, eq=False)
class ReplayPlan:
    """What to replay and how; None leaves a value to the settings."""

    recordings: Recordings
    config: Path | None = None
    seed: int | None = None
    train_steps: int | None = None

    def settings(self) -> Settings:
        """The settings file's, if there is one; else modalities and hop are those of the recordings.

        Raises:
            ConfigError: If they do not fit.
        """
        recordings = self.recordings
        fixed: dict[str, Any] = {"shared_modality": recordings.shared}
        if find_file(self.config) is None:
            fixed["modalities"] = {name: described(spec) for name, spec in recordings.specs.items()}
            fixed["ingest"] = {"hop_s": recordings.hop_s, "grace_s": 2 * recordings.hop_s}
        settings = load(self.config, **fixed)
        held_out = recordings.held_out | set(settings.ingest.held_out_sources)
        ingest = settings.ingest.model_copy(update={"held_out_sources": tuple(sorted(held_out))})
        trainer = settings.trainer
        if self.seed is not None:
            trainer = trainer.model_copy(update={"seed": self.seed})
        if self.train_steps is not None:
            trainer = spread_steps(trainer, self._n_training_samples(settings.ingest.hop_s), self.train_steps)
        return settings.model_copy(update={"ingest": ingest, "trainer": trainer})

    def _n_training_samples(self, hop_s: float) -> int:
        kept = (one for one in self.recordings.visible if one.source_id not in self.recordings.held_out)
        return len({(one.source_id, one.start_ns // round(hop_s * 1e9)) for one in kept})


def described(spec: Any) -> dict[str, Any]:
    """A modality as the settings describe it."""
    return {name: getattr(spec, name) for name in ("n_channels", "n_steps", "rate_hz", "unit", "channels")}


@dataclass(slots=True, eq=False)
class Loop:
    """The loop without a broker; `registry` is where versions are published.

    Its fields after the replay are what it did.
    """

    settings: Settings
    registry: Registry
    samples: dict[str, Sample] = field(default_factory=dict)
    bindings: list[Binding] = field(default_factory=list)
    weights: dict[int, Weights] = field(default_factory=dict)
    losses: dict[int, float] = field(default_factory=dict)
    steps_of_version: dict[int, int] = field(default_factory=dict)
    followed: int = 0
    pipeline: Pipeline = field(init=False)
    learner: Learner = field(init=False)

    def __post_init__(self) -> None:
        self.pipeline = Pipeline(self.settings)
        self.learner = Learner(
            self.settings.specs,
            self.settings.shared_modality,
            self.settings.trainer,
            device=self.settings.runtime.device,
        )

    def replay(self, windows: Sequence[SensorWindow], on_windows: Callable[[int], None] = lambda n: None) -> None:
        """Everything, to the end; a last cycle takes what is left over. Labels are not looked at, unless they bind."""
        for part in _parts(list(as_seen(windows, self.settings))):
            self._learn(self.pipeline.feed(part))  # 1
            on_windows(len(part))
        self._learn(self.pipeline.flush())
        if self.learner.n_since_cycle:
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
        if self.settings.shared_modality in self.learner.trained_modalities:
            self._publish(cycle.n_steps)

    def _publish(self, n_steps: int) -> None:
        version = max(self.weights, default=0) + 1
        evaluation, best = self.learner.evaluate(), self.learner.evaluate_best()
        gate = self.settings.trainer.gate
        decision = decide(version, evaluation.judged, best.judged if best else None, gate, evaluation.missing)
        bundle = self.learner.bundle(version, version - 1, created_ns=time.time_ns(), evaluation=evaluation)
        manifest = self.registry.publish(bundle)  # 3
        self.weights[version] = bundle.weights
        self.steps_of_version[version] = n_steps
        if decision.passed:
            self.learner.crown(version)
            self._swap(version, self.registry.fetch(manifest).weights)

    def _swap(self, version: int, weights: Weights) -> None:  # 4
        from encoders.nets import EncoderFunction

        specs, device = self.settings.specs, self.settings.runtime.device
        encoders = {name: EncoderFunction(specs[name], arrays, device=device) for name, arrays in weights.items()}
        build = self.pipeline.binder.begin_build(version, encoders)
        build.run()
        self.pipeline.binder.swap(build)
        self.followed = version

    def finished(self, recordings: Recordings) -> FinishedRun:
        """What came of it."""
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
        )


def _parts(windows: Sequence[SensorWindow]) -> Iterator[Sequence[SensorWindow]]:
    for start in range(0, len(windows), WINDOWS_AT_A_TIME):
        yield windows[start : start + WINDOWS_AT_A_TIME]


def replay_offline(run: ReplayPlan, report_file: Path | None = None, picture_file: Path | None = None) -> Report:
    """Replays, shows progress, prints the tables, and writes what was asked for.

    Raises:
        ConfigError: If the settings do not fit.
    """
    import torch
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from deploy.assessment import assess
    from deploy.report import as_tables

    settings = run.settings()
    torch.set_num_threads(settings.runtime.threads)
    started_s = time.monotonic()
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    console = Console()
    with tempfile.TemporaryDirectory() as folder, Progress(*columns, console=Console(stderr=True)) as progress:
        loop = Loop(settings, Registry(folder))
        windows = run.recordings.visible
        replaying = progress.add_task(f"{run.recordings.name}: windows through the loop", total=len(windows))
        loop.replay(windows, on_windows=lambda n: progress.advance(replaying, n))
        judging = progress.add_task("judging", total=None)
        report = assess(loop.finished(run.recordings), lambda what: progress.update(judging, description=what))
        progress.update(judging, total=1, completed=1)
    report.seconds = time.monotonic() - started_s
    console.print(as_tables(report))
    if report_file:
        report_file.parent.mkdir(parents=True, exist_ok=True)
        report_file.write_bytes(report.as_json())
        console.print(f"figures: {report_file}")
    if picture_file:
        from deploy.picture import draw

        draw(report, picture_file, f"{run.recordings.name}: windows in, pairs bound, models swapped in")
        console.print(f"picture: {picture_file}")
    return report
