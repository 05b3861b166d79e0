"""A clock that is moved by hand, sensors that know the truth, and a log in memory. Performs no I/O."""

from collections.abc import Iterator, Sequence

import numpy as np

from encoders.modality import ModalitySpec
from encoders.scaling import RobustScaler
from streams.messages.message import Message, Place
from streams.messages.outbox import partition_of
from streams.messages.rejects import Header
from streams.records import Sample, SensorWindow
from streams.settings import IngestSettings, ModalitySettings, StreamSettings

NS_PER_S = 1_000_000_000
EPOCH_NS = 1_700_000_000 * NS_PER_S  # a multiple of every hop that divides 100 s

SENSORS: tuple[ModalitySpec, ...] = (
    ModalitySpec(name="acceleration", n_channels=3, n_steps=50, rate_hz=10.0, unit="g"),
    ModalitySpec(name="gravity", n_channels=3, n_steps=50, rate_hz=10.0, unit="g"),
    ModalitySpec(name="gyroscope", n_channels=2, n_steps=50, rate_hz=10.0, unit="rad/s"),
)


class ManualClock:
    """A clock that stands still until it is told; call it for the time in ns."""

    def __init__(self, now_ns: int = EPOCH_NS) -> None:
        self.now_ns = now_ns

    def __call__(self) -> int:
        """The time in ns."""
        return self.now_ns

    def advance(self, seconds: float) -> int:
        """The time after moving it on."""
        self.now_ns += round(seconds * NS_PER_S)
        return self.now_ns


class SyntheticWorld:
    """Nodes that do one of `n_classes` things in each slot, seen through several sensors, some of which they lack.

    The first of `specs` is the shared modality. Of the others node i lacks number i, in turn, unless it is among the
    first `n_complete`. A class is a sum of three harmonics for each channel; in a window its phase is random but the
    same for all sensors, each node has gains and offsets of its own, and there is noise. Labels are the classes.
    Every window depends on (seed, node, slot) alone, so that any part can be made in any order.
    """

    def __init__(
        self,
        n_sources: int = 8,
        n_classes: int = 5,
        *,
        specs: Sequence[ModalitySpec] = SENSORS,
        n_complete: int = 0,
        held_out: int = 0,
        noise: float = 0.3,
        seed: int = 0,
    ) -> None:
        self.specs = {spec.name: spec for spec in specs}
        self.shared = specs[0].name
        self.n_classes = n_classes
        self.sources = tuple(f"node-{i:02d}" for i in range(n_sources))
        self.held_out = self.sources[:held_out]
        self.hop_ns = round(specs[0].duration_s * NS_PER_S)
        self._n_complete = n_complete
        self._noise = noise
        self._seed = seed
        self._waves = {spec.name: self._class_waves(place, spec) for place, spec in enumerate(specs)}

    def settings(self, **sections: object) -> StreamSettings:
        """Settings for a worker in this world; `sections` replace whole sections."""
        modalities = {
            spec.name: ModalitySettings(n_channels=spec.n_channels, n_steps=spec.n_steps, rate_hz=spec.rate_hz)
            for spec in self.specs.values()
        }
        ingest = IngestSettings(hop_s=self.hop_ns / NS_PER_S, held_out_sources=self.held_out)
        given = {"modalities": modalities, "shared_modality": self.shared, "ingest": ingest, **sections}
        return StreamSettings.model_validate(given)

    def modalities_of(self, source: int) -> tuple[str, ...]:
        """What a node measures, the shared modality first."""
        others = [name for name in self.specs if name != self.shared]
        lacks = others[source % len(others)] if others and source >= self._n_complete else None
        return (self.shared, *(name for name in others if name != lacks))

    def label(self, source: int, slot: int) -> int:
        """What a node really does in a slot."""
        return int(self._rng(source, slot).integers(self.n_classes))

    def window(self, source: int, slot: int, modality: str) -> SensorWindow:
        """What one sensor of one node sees in a slot."""
        rng = self._rng(source, slot)
        label, phase = int(rng.integers(self.n_classes)), rng.uniform(0, 2 * np.pi)
        spec, place = self.specs[modality], list(self.specs).index(modality)
        frequency, amplitude, offset = self._waves[modality]
        angle = 2 * np.pi * frequency[label] * np.arange(spec.n_steps)[:, None, None] / spec.n_steps + offset[label]
        clean = (amplitude[label] * np.sin(angle + phase * frequency[label])).sum(axis=2)
        # The node's own hardware: it stays the same in all slots.
        node = np.random.default_rng((self._seed, source, 1 << 40, place))
        gain, zero = node.uniform(0.5, 2.0, spec.n_channels), node.normal(0, 1, spec.n_channels)
        noise = np.random.default_rng((self._seed, source, slot, place + 1)).normal(0, self._noise, clean.shape)
        return SensorWindow(
            source_id=self.sources[source],
            modality=modality,
            start_ns=EPOCH_NS + slot * self.hop_ns,
            values=((clean + noise) * gain + zero).astype(np.float32),
            label=label,
        )

    def windows(self, n_slots: int, first: int = 0) -> Iterator[SensorWindow]:
        """All windows of some slots, in the order of their time."""
        for slot in range(first, first + n_slots):
            for source in range(len(self.sources)):
                for modality in self.modalities_of(source):
                    yield self.window(source, slot, modality)

    def samples(self, n_slots: int, scaling_windows: int = 32) -> Iterator[Sample]:
        """The same as samples: what ingest makes of `windows` in that order."""
        scalers = {(i, name): RobustScaler(scaling_windows) for i in range(len(self.sources)) for name in self.specs}
        for slot in range(n_slots):
            for i, source_id in enumerate(self.sources):
                windows = {name: self.window(i, slot, name).values for name in sorted(self.modalities_of(i))}
                start_ns = EPOCH_NS + slot * self.hop_ns
                yield Sample(
                    sample_id=f"{source_id}@{round(start_ns / self.hop_ns)}",
                    source_id=source_id,
                    start_ns=start_ns,
                    windows=windows,
                    scaling={name: scalers[i, name].update(values) for name, values in windows.items()},
                    held_out=source_id in self.held_out,
                    label=self.label(i, slot),
                )

    def _rng(self, source: int, slot: int) -> np.random.Generator:
        return np.random.default_rng((self._seed, source, slot))

    def _class_waves(self, place: int, spec: ModalitySpec) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rng = np.random.default_rng((self._seed, 1 << 41, place))
        shape = (self.n_classes, spec.n_channels, 3)
        # Whole periods a window, the same ones for every channel of a class.
        frequency = np.broadcast_to(rng.integers(1, 9, (self.n_classes, 1, 3)), shape)
        return frequency, rng.gamma(2.0, 0.5, shape), rng.uniform(0, 2 * np.pi, shape)


class MemoryLog:
    """What a broker keeps, in memory: messages by topic and partition, each with its offset."""

    def __init__(self, n_partitions: int = 1) -> None:
        self._n_partitions = n_partitions
        self._messages: dict[tuple[str, int], list[Message]] = {}

    def append(self, topic: str, key: bytes, value: bytes, headers: Sequence[Header] = ()) -> Place:
        """Where a message now lies; its key decides the partition."""
        partition = partition_of(key, self._n_partitions)
        messages = self._messages.setdefault((topic, partition), [])
        messages.append(Message(topic, partition, len(messages), key, value, tuple(headers)))
        return messages[-1].place

    def partitions(self) -> list[tuple[str, int]]:
        """All that hold a message, in alphabetical order."""
        return sorted(self._messages)

    def read(self, topic: str, partition: int | None = None, first: int = 0) -> list[Message]:
        """The messages from an offset on, of one partition or one after the other of all."""
        wanted = range(self._n_partitions) if partition is None else [partition]
        return [message for one in wanted for message in self._messages.get((topic, one), [])[first:]]
