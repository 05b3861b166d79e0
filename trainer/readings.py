"""What a trainer's parts show of themselves in its metrics: above all how full each buffer is, and may be."""

from trainer.metrics import TrainerMetrics
from trainer.parts import Parts
from trainer.topics.bindings import UNEVEN_BINDINGS
from trainer.topics.publishing import MAX_WAITING


def note_readings(metrics: TrainerMetrics, parts: Parts) -> None:
    """Sets all gauges and counters that are read off, not counted as it happens."""
    learner, intake, samples, publisher = parts.learner, parts.intake, parts.samples, parts.publisher
    metrics.note_bindings(learner.counts)
    metrics.unreadable.set(intake.n_unreadable + samples.n_unreadable)
    metrics.deleted.set(intake.n_deleted)
    metrics.waiting.set(samples.n_waiting)
    metrics.lost.set(samples.n_lost)
    metrics.read_again.set(samples.n_again)
    metrics.replay.set(learner.buffers["replay"][0])
    metrics.replay_bytes.set(learner.replay_bytes)
    metrics.replay_limit.set(learner.settings.replay_bytes)
    metrics.pace.set(learner.cycles.samples_per_step)
    metrics.published.set(publisher.last_version)
    metrics.publish_failures.set(publisher.n_failures)
    settings = learner.settings
    for name, (n_records, limit) in learner.buffers.items():
        metrics.note_held(name, n_records, limit)
    metrics.note_held("waiting-samples", samples.n_waiting, samples.capacity)
    metrics.note_held("read-again-places", samples.n_booked, samples.book_capacity)
    needed = settings.replay_samples + settings.evaluation_max_samples + samples.capacity
    metrics.note_held("places", samples.n_places, 2 * needed + samples.capacity)
    metrics.note_held("read-ahead", intake.n_kept, UNEVEN_BINDINGS)
    metrics.note_held("candidates", publisher.n_waiting, MAX_WAITING)
