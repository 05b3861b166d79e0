"""A version trained again from the log: the same files, or what differs, or what has expired."""

import hashlib
import time
from collections.abc import Container, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

import torch

from deploy.settings.config import Settings
from encoders.bundle import ModelBundle, pack_bundle
from encoders.manifest import LogRange, ModelManifest
from streams.broker.log import LogReader
from streams.messages.checked import checked_binding, checked_sample
from streams.messages.codec import decode
from streams.messages.message import Message
from streams.messages.rejects import InvalidRecord
from streams.messages.topic_names import TopicNames
from streams.records import Binding, Sample
from trainer.checkpoints.checkpoint import CheckpointFolder
from trainer.parallel.process_group import open_ranks
from trainer.replay.buffer import Identity
from trainer.retraining.course import CannotRetrace, Course, course_to, retraced
from trainer.settings import TrainerSettings


@dataclass(frozen=True, slots=True)
class Verification:
    """What came of it. `differing` are the names of files that came out otherwise: none if it is the same version."""

    version: int
    base: int
    n_bindings: int
    n_steps: int
    seconds: float
    files: tuple[str, ...]
    differing: tuple[str, ...]

    @property
    def told(self) -> str:
        """In a sentence."""
        start = f"from checkpoint {self.base}" if self.base else "from the beginning"
        way = f"{start}, {self.n_bindings} Bindings and {self.n_steps} steps in {self.seconds:.0f} s"
        if not self.differing:
            return f"version {self.version} is what it says: the same {len(self.files)} files again, {way}"
        return f"version {self.version} comes out otherwise: {', '.join(self.differing)} differ, {way}"


def verified(manifest: ModelManifest, settings: Settings) -> Verification:
    """Trains the version again, on the CPU with the settings of its manifest, and compares the files' hashes.

    Args:
        manifest: Of the version.
        settings: Of the trainer that made it; its data folder holds the checkpoints.

    Raises:
        CannotRetrace: If the version is of another training, or what it was made of has expired.
        LogError: If a topic cannot be read.
    """
    began_s = time.monotonic()
    trainer = TrainerSettings.model_validate(manifest.settings)
    folder = CheckpointFolder(Path(settings.runtime.data_dir) / "checkpoints")
    course = course_to(manifest, folder)
    bindings, samples = _read(course, manifest, settings)
    torch.set_num_threads(settings.runtime.threads)
    settings = settings.model_copy(update={"runtime": settings.runtime.model_copy(update={"device": "cpu"})})
    with open_ranks(settings, trainer) as ranks:
        learner = retraced(course, settings.specs, settings.shared_modality, trainer, bindings, samples, ranks)
    weights = learner.trained_weights()
    if sorted(weights) != sorted(one.name for one in manifest.modalities):
        raise CannotRetrace(f"version {manifest.version}: encoders of {sorted(weights)} come out of it")
    _, contents = pack_bundle(ModelBundle(manifest, weights), "any")
    found = {PurePosixPath(name).name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}
    told = {PurePosixPath(one.name).name: one.sha256 for one in manifest.files}
    return Verification(
        version=manifest.version,
        base=course.base.number if course.base else 0,
        n_bindings=sum(len(past.admissions) for past in course.pasts),
        n_steps=course.n_steps,
        seconds=time.monotonic() - began_s,
        files=tuple(sorted(found)),
        differing=tuple(sorted(name for name, digest in found.items() if told.get(name) != digest)),
    )


def _read(
    course: Course, manifest: ModelManifest, settings: Settings
) -> tuple[dict[Identity, Binding], dict[str, Sample]]:
    names, broker = TopicNames(settings.topics.prefix), settings.broker
    bindings: dict[Identity, Binding] = {}
    samples: dict[str, Sample] = {}
    starts = course.base.facts["progress"]["next_pairs"] if course.base else {}
    from_ = {one.partition: int(starts.get(str(one.partition), one.first)) for one in manifest.trained_on}
    identities, sample_ids = course.identities, course.sample_ids
    with LogReader(broker, names.pairs) as reader:
        _check_reach(reader, from_, manifest)
        last = reader.ends()
        # The message at the end of a range may have been done in part.
        ends = {one.partition: min(one.end + 1, last.get(one.partition, 0)) for one in manifest.trained_on}
        for message in reader.read(from_, ends):
            bindings.update(_bindings(message, identities))
    check = partial(checked_sample, specs=settings.specs)
    with LogReader(broker, names.samples) as reader:
        firsts = reader.starts()
        for message in reader.read():
            for raw in _raws(message):
                try:
                    sample = check(decode(raw, Sample))
                except InvalidRecord:
                    continue
                if sample.sample_id in sample_ids:
                    samples[sample.sample_id] = sample
    if lost := sample_ids - samples.keys():
        gone = ", ".join(
            f"{names.samples}[{partition}] before {offset}" for partition, offset in firsts.items() if offset
        )
        raise CannotRetrace(
            f"version {manifest.version}: {len(lost)} of {len(sample_ids)} samples are no longer in the log"
            + (f", which has lost {gone}" if gone else "")
        )
    return bindings, samples


def _check_reach(reader: LogReader, from_: dict[int, int], manifest: ModelManifest) -> None:
    kept = reader.starts()
    gone = [
        LogRange(topic=reader.topic, partition=partition, first=first, end=kept[partition])
        for partition, first in from_.items()
        if kept.get(partition, 0) > first
    ]
    if gone:
        told = ", ".join(f"{one.topic}[{one.partition}] from {one.first} to {one.end - 1}" for one in gone)
        raise CannotRetrace(f"version {manifest.version}: part of the log that it was made of has expired: {told}")


def _bindings(message: Message, wanted: Container[Identity]) -> Iterator[tuple[Identity, Binding]]:
    for raw in _raws(message):
        try:
            binding = checked_binding(decode(raw, Binding))
        except InvalidRecord:
            continue
        if (identity := (binding.sample_id, binding.round)) in wanted:
            yield identity, binding


def _raws(message: Message) -> list[bytes]:
    try:
        return message.records()
    except InvalidRecord:
        return []
