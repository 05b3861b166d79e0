"""What the trainer counts and measures. The registry is an argument; labels never hold ids."""

from collections.abc import Mapping, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics

from streams.records import Decision
from trainer.step.step import StepResult

STEP_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
CHECKPOINT_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
# Of trials that the roller ended.
TRIAL_OUTCOMES = ("promoted", "rolled-back", "given-up")
# In the order in which a Binding meets them; the names of `Learner.counts`.
OUTCOMES = ("admitted", "repeated", "held-out", "sample-lost", "forgotten", "outdated", "superseded")


class TrainerMetrics:
    """The trainer's metrics, all of them there from the start, at 0.

    Args:
        registry: One for each service; it also gets the process's memory, CPU and file figures.
        code_version: Of the running code.
    """

    def __init__(self, registry: CollectorRegistry, code_version: str = "") -> None:
        self._counted: dict[str, int] = {}
        disable_created_metrics()  # type: ignore[no-untyped-call]
        ProcessCollector(registry=registry)
        build = Gauge("mmbind_build_info", "The running code; always 1.", ["version"], registry=registry)
        build.labels(code_version).set(1)
        self.broker_connected = Gauge("mmbind_broker_connected", "1 while the broker can be used.", registry=registry)
        self.lag = Gauge(
            "mmbind_lag_records",
            "Messages of a partition not yet worked off.",
            ["topic", "partition"],
            registry=registry,
        )
        self._reading(registry)
        self._training(registry)
        self._publishing(registry)

    def _reading(self, registry: CollectorRegistry) -> None:
        self.bindings = Counter("mmbind_trainer_bindings", "Bindings read.", ["outcome"], registry=registry)
        for outcome in OUTCOMES:
            self.bindings.labels(outcome)
        self.unreadable = Gauge("mmbind_trainer_unreadable_records", "Records that were no record.", registry=registry)
        self.deleted = Gauge("mmbind_trainer_deleted_messages", "Deleted before they were read.", registry=registry)
        self.lost = Gauge("mmbind_trainer_lost_samples", "Samples of Bindings that are nowhere.", registry=registry)
        self.read_again = Gauge(
            "mmbind_trainer_samples_read_again", "Samples that could wait no longer, found again.", registry=registry
        )
        self.waiting = Gauge("mmbind_trainer_waiting_samples", "Samples without a Binding so far.", registry=registry)
        self.replay = Gauge("mmbind_replay_samples", "Samples in the replay buffer.", registry=registry)
        self.replay_bytes = Gauge("mmbind_replay_bytes", "Of windows in the replay buffer.", registry=registry)
        self.replay_limit = Gauge("mmbind_replay_limit_bytes", "What these may be.", registry=registry)
        self.held = Gauge("mmbind_trainer_held_records", "What a buffer holds.", ["buffer"], registry=registry)
        self.held_limit = Gauge(
            "mmbind_trainer_held_limit_records", "What a buffer may hold.", ["buffer"], registry=registry
        )

    def _training(self, registry: CollectorRegistry) -> None:
        self.cycles = Counter("mmbind_train_cycles", "Cycles trained.", registry=registry)
        self.steps = Counter("mmbind_train_steps", "Steps taken.", registry=registry)
        self.edges = Counter("mmbind_train_edges", "Edges trained on.", ["kind"], registry=registry)
        for kind in ("natural", "pseudo"):
            self.edges.labels(kind)
        self.pace = Gauge(
            "mmbind_train_samples_per_step", "New samples for each step, as the next cycle has it.", registry=registry
        )
        self.loss = Gauge("mmbind_train_loss", "Mean loss of the last cycle.", registry=registry)
        self.step_seconds = Histogram(
            "mmbind_train_step_seconds", "One step, its batch included.", buckets=STEP_SECONDS, registry=registry
        )
        self.checkpoint_seconds = Histogram(
            "mmbind_checkpoint_seconds", "Writing a checkpoint.", buckets=CHECKPOINT_SECONDS, registry=registry
        )
        self.checkpoint_failures = Counter(
            "mmbind_checkpoint_failures", "Checkpoints that could not be written.", registry=registry
        )

    def _publishing(self, registry: CollectorRegistry) -> None:
        self.decisions = Counter("mmbind_gate_decisions", "The gate's words.", ["result"], registry=registry)
        for result in ("passed", "refused"):
            self.decisions.labels(result)
        self.retrieval = Gauge(
            "mmbind_gate_retrieval_ratio", "What the gate last looked at.", ["figure"], registry=registry
        )
        self.published = Gauge("mmbind_published_version", "The newest version announced.", registry=registry)
        self.publish_failures = Gauge(
            "mmbind_publish_failures", "Attempts to announce a version that failed.", registry=registry
        )
        self.trial = Gauge("mmbind_trial_version", "Tried by some followers; 0 where none is.", registry=registry)
        self.trials_ended = Counter(
            "mmbind_trials_ended", "Trials that the trainer ended.", ["outcome"], registry=registry
        )
        for outcome in TRIAL_OUTCOMES:
            self.trials_ended.labels(outcome)

    def note_bindings(self, counts: Mapping[str, int], from_before: bool = False) -> None:
        """What became of the Bindings, as the learner counts them; those of an earlier life are not counted again."""
        for outcome in OUTCOMES:
            n_new = counts.get(outcome, 0) - self._counted.get(outcome, 0)
            self.bindings.labels(outcome).inc(0 if from_before else n_new)
        self._counted = dict(counts)

    def note_step(self, result: StepResult, seconds: float) -> None:
        """One step and how long it took."""
        self.steps.inc()
        self.edges.labels("natural").inc(result.n_natural_edges)
        self.edges.labels("pseudo").inc(result.n_pseudo_edges)
        self.step_seconds.observe(seconds)

    def note_cycle(self, losses: Sequence[float]) -> None:
        """One cycle and the loss of each step."""
        self.cycles.inc()
        if losses:
            self.loss.set(sum(losses) / len(losses))

    def note_decision(self, decision: Decision) -> None:
        """The gate's word and the figures that it looked at."""
        self.decisions.labels("passed" if decision.passed else "refused").inc()
        for name, value in decision.figures.items():
            kind, _, figure = name.partition("/")
            if kind == "gate":
                self.retrieval.labels(figure).set(value)

    def note_held(self, buffer: str, n_records: int, limit: int) -> None:
        """How full a buffer is."""
        self.held.labels(buffer).set(n_records)
        self.held_limit.labels(buffer).set(limit)

    def note_lags(self, topic: str, lags: Mapping[int, int]) -> None:
        """How far each partition is behind."""
        for partition, lag in lags.items():
            self.lag.labels(topic, str(partition)).set(lag)
