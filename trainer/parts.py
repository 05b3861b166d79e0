"""What a trainer works with, connected and brought to where its last checkpoint was."""

import logging
import threading
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from streams.forgotten import Forgotten
from streams.messages.checked import checked_sample
from streams.messages.topic_names import TopicNames
from streams.models.registry import Registry
from streams.service.folder_lock import FolderLock
from streams.settings import StreamSettings
from trainer.checkpoints.checkpoint import CheckpointFolder
from trainer.checkpoints.progress import Progress, Resumption, resumption
from trainer.learner import Learner
from trainer.settings import TrainerSettings
from trainer.step.ranks import OtherRanks
from trainer.topics.bindings import BindingIntake
from trainer.topics.consumers import consumer
from trainer.topics.models import KafkaModels
from trainer.topics.places import ReadAgain
from trainer.topics.publishing import Publisher
from trainer.topics.samples import SampleLog

log = logging.getLogger(__name__)

STOP_S = 5.0


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """`checkpoint` is the number of the one that the learner comes from, 0 if it is new."""

    folder: CheckpointFolder
    checkpoint: int
    lineage: str
    learner: Learner
    intake: BindingIntake
    samples: SampleLog
    again: ReadAgain
    forgotten: Forgotten
    models: KafkaModels
    publisher: Publisher
    lock: FolderLock

    def close(self) -> None:
        """Leaves the broker; what is not announced yet is announced after the next start."""
        self.publisher.stop(STOP_S)
        self.intake.close()
        self.samples.close()
        self.again.close()
        self.forgotten.close()
        self.models.close()
        self.lock.release()


def open_parts(
    settings: StreamSettings, trainer: TrainerSettings, stop: threading.Event, ranks: OtherRanks | None = None
) -> Parts:
    """All parts of a trainer, its learner restored from the newest checkpoint with its samples looked up again.

    Raises:
        BrokerUnreachable: If a client cannot be made.
        CheckpointError: If no checkpoint is whole, or it was made with other settings.
        FolderInUse: If another trainer uses the same checkpoints.
    """
    folder = CheckpointFolder(
        Path(settings.runtime.data_dir) / "checkpoints", trainer.checkpoints_kept, trainer.remembered_bindings
    )
    lock = FolderLock(folder.root)
    resumed = resumption(folder)
    progress = resumed.progress if resumed else Progress()
    names, topics = TopicNames(settings.topics.prefix), settings.topics
    again = ReadAgain(settings.broker, names.samples)
    samples = SampleLog(
        consumer(settings.broker),
        again,
        names.samples,
        topics.sample_partitions,
        progress.first_samples,
        settings.index.history_samples,
        partial(checked_sample, specs=settings.specs),
    )
    forgotten = Forgotten(settings.broker, names.forgotten)
    learner = _learner(resumed, samples, forgotten, settings, trainer, stop, ranks)
    intake = BindingIntake(
        consumer(settings.broker, f"{topics.prefix}trainer"),
        names.pairs,
        topics.pair_partitions,
        progress.next_pairs,
        progress.first_pairs,
    )
    models = KafkaModels(settings.broker, topics.prefix)
    publisher = Publisher(
        models,
        Registry.of(settings.registry, publishes=True),
        settings.registry.channel,
        time.time_ns,
        may_publish=lambda: intake.membership.is_confirmed,
        last_version=progress.parent_version,
        lineage=progress.lineage,
    )
    number = resumed.number if resumed else 0
    return Parts(folder, number, progress.lineage, learner, intake, samples, again, forgotten, models, publisher, lock)


def _learner(
    resumed: Resumption | None,
    log_of_samples: SampleLog,
    forgotten: Forgotten,
    settings: StreamSettings,
    trainer: TrainerSettings,
    stop: threading.Event,
    ranks: OtherRanks | None,
) -> Learner:
    specs, shared, device = settings.specs, settings.shared_modality, settings.runtime.device
    if resumed is None:
        return Learner(specs, shared, trainer, device=device, forgotten=forgotten, ranks=ranks)
    samples = log_of_samples.find(resumed.sample_ids, stop)
    learner = resumed.learner(specs, shared, trainer, samples, device, forgotten, ranks)
    log.info("resumed checkpoint %d; %d samples found again", resumed.number, len(samples))
    if learner.n_missing and not stop.is_set():
        log.error("%d samples of checkpoint %d are no longer in the log", learner.n_missing, resumed.number)
    return learner
