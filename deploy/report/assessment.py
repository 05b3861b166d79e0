"""From a finished run to its report: pairs against the truth, each version's retrieval, and the controls.

The same for the demo and for an offline replay: whatever a run was, its parts are given and judged here.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from deploy.recordings.recordings import Recordings
from deploy.recordings.truth import Truth, never_paired
from deploy.report.controls import CONTROL_RULES, ControlRun, Weights, train_controls
from deploy.report.label_figures import judge_labels
from deploy.report.pair_figures import edges_by_version, first_rounds, judge_pairs, swaps_under_load
from deploy.report.report import CONTROLS, Report, Series, gap_closed, note_estimate, note_pairs
from deploy.report.retrieval import Encoders, RetrievalJudge
from encoders.modality import ModalitySpec
from streams.labels import LABEL
from streams.precision.figures import PrecisionEstimate
from streams.records import Binding, Sample
from streams.settings import StreamSettings
from trainer.settings import TrainerSettings

# Judging takes time with their square; these are spread evenly over the run.
MOST_JUDGED_SAMPLES = 2_000
MOST_JUDGED_VERSIONS = 16
BOUND_BY_LABELS = (
    "Labels bind. Natural edges only includes those to the label itself, which alone teach what pairs of equal labels "
    "do: a gap between it and the oracle is left where nodes name the same thing differently."
)
# Share of late samples from which the slots seem not to fit the windows.
MANY_LATE = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class FinishedRun:
    """What came out of a run.

    `bindings` are in the order in which they were made, `trained_bindings` those that the last version was trained
    on, in the order in which they were. `weights` are those of each published version, by its number, `losses` the
    loss by the number of the step, `estimate` the last word on precision that was said without labels,
    `binding_weights` how much each modality that may bind has to say, 0..1, where it is known.
    """

    recordings: Recordings
    settings: StreamSettings
    trainer: TrainerSettings
    windows_in: int
    windows_lost: int
    rejects: int
    samples: Mapping[str, Sample]
    bindings: Sequence[Binding]
    trained_bindings: Sequence[Binding]
    weights: Mapping[int, Weights]
    worker_model_version: int = 0
    consumer_model_version: int = 0
    pairs_trained: int = 0
    pairs_trained_twice: int = 0
    losses: Mapping[int, float] = field(default_factory=dict)
    steps_of_version: Mapping[int, int] = field(default_factory=dict)
    estimate: PrecisionEstimate = field(default_factory=lambda: PrecisionEstimate("unknown"))
    binding_weights: Mapping[str, float] = field(default_factory=dict)


Announce = Callable[[str], None]
Item = TypeVar("Item")


def assess(run: FinishedRun, announce: Announce = lambda what: None) -> Report:
    """The report, but for its `seconds`. Trains the controls, which takes as long as the run's own training.

    Args:
        run: What came out.
        announce: Called with what is being done.
    """
    truth = Truth(run.recordings, run.settings.ingest.hop_s)
    report = _counted(run)
    announce("judging pairs")
    note_pairs(report, judge_pairs(run.bindings, run.samples, truth.labels(run.samples.values())))
    note_estimate(report, run.estimate)
    announce("spreading a few labels")
    labelled = list(truth.labelled(run.samples.values()).values())
    report.labels = judge_labels(run.bindings, labelled, run.settings.specs, run.settings.shared_modality)
    if run.settings.shared_modality == LABEL:
        report.notes.append(BOUND_BY_LABELS)
    if run.weights:
        _judge_versions(run, truth, report, announce)
    else:
        report.notes.append("No model was published: too few samples, or no source with two modalities.")
    return report


def _counted(run: FinishedRun) -> Report:
    edges = edges_by_version(run.bindings)
    n_late = sum(sample.late for sample in run.samples.values())
    notes = [
        f"{n_late} of {len(run.samples)} samples are late: windows of one sensor that stand closer than ingest.hop_s, "
        f"{run.settings.ingest.hop_s:g} s, or that came after the grace."
    ]
    outcome_of = {one.sample_id: one.outcome for one in run.bindings}
    outcomes = Counter(outcome_of.values())
    return Report(
        windows_in=run.windows_in,
        windows_lost=run.windows_lost,
        samples=len(run.samples),
        rejects=run.rejects,
        bindings=len({(one.sample_id, one.round) for one in run.bindings}),
        pairs=sum(edges.values()),
        pairs_by_version=edges,
        samples_alone=outcomes["alone"],
        samples_withheld=outcomes["withheld"],
        samples_without_binding=len(run.samples.keys() - outcome_of.keys()),
        binding_weights=dict(run.binding_weights),
        models_published=len(run.weights),
        worker_model_version=run.worker_model_version,
        consumer_model_version=run.consumer_model_version,
        swaps=swaps_under_load(edges_by_version(first_rounds(run.bindings))),
        pairs_trained=run.pairs_trained,
        pairs_trained_twice=run.pairs_trained_twice,
        notes=notes if n_late > MANY_LATE * len(run.samples) else [],
        series=Series(
            loss=[round(loss, 4) for loss in run.losses.values()],
            loss_steps=list(run.losses),
            steps_of_version=dict(run.steps_of_version),
        ),
    )


def _judge_versions(run: FinishedRun, truth: Truth, report: Report, announce: Announce) -> None:
    last = max(run.weights)
    training = [sample for sample in run.samples.values() if not sample.held_out]
    pairs = [pair for pair in never_paired(training) if set(pair) <= set(run.weights[last])]
    if not pairs:
        report.notes.append("No two modalities that never met: there is no retrieval that only binding can teach.")
        return
    judge = RetrievalJudge(_judged_samples(run, truth, report), pairs)
    announce("judging each version")
    complete = [version for version, weights in sorted(run.weights.items()) if set(weights) >= set(run.weights[last])]
    served = {run.worker_model_version} & set(complete)
    encoders = {
        version: encoders_of(run.weights[version], run.settings.specs)
        for version in sorted({*spread(complete, MOST_JUDGED_VERSIONS), *served})
    }
    report.retrieval_by_version = {version: judge.figures(one) for version, one in encoders.items()}
    report.retrieval = report.retrieval_by_version[last]
    announce("training the controls: natural edges only, random pairs, pairs by true label")
    _judge_controls(run, truth, report, judge, encoders[last], announce)


def _judged_samples(run: FinishedRun, truth: Truth, report: Report) -> list[Sample]:
    held_out = [sample for sample in run.samples.values() if sample.held_out]
    if not held_out:
        report.notes.append("No source was held out: retrieval is on sources that were trained on, and flatters.")
    return truth.complete(spread(held_out or list(run.samples.values()), MOST_JUDGED_SAMPLES))


def _judge_controls(
    run: FinishedRun, truth: Truth, report: Report, judge: RetrievalJudge, ours: Encoders, announce: Announce
) -> None:
    task = ControlRun(
        bindings=run.trained_bindings,
        samples=truth.labelled(run.samples.values()),
        specs=run.settings.specs,
        shared=run.settings.shared_modality,
        settings=run.trainer,
    )
    weights = train_controls(task, on_done=lambda rule: announce(f"control {rule} trained"))
    for rule, (name, attribute) in zip(CONTROL_RULES, CONTROLS.items(), strict=True):
        control = encoders_of(weights[rule], run.settings.specs)
        setattr(report, attribute, judge.figures(control))
        report.differences.append(judge.difference(name, ours, control))
    report.gap_closed = gap_closed(report)


def spread(items: Sequence[Item], most: int) -> list[Item]:
    """At most so many of the items, evenly spread, the last one among them."""
    n_chosen = min(len(items), most)
    return [items[len(items) - 1 - (len(items) * place) // n_chosen] for place in reversed(range(n_chosen))]


def encoders_of(weights: Weights, specs: Mapping[str, ModalitySpec]) -> Encoders:
    """Functions from scaled windows to unit rows, by modality."""
    from encoders.nets import EncoderFunction

    return {name: EncoderFunction(specs[name], arrays) for name, arrays in weights.items()}
