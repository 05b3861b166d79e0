"""Decoded windows to samples: checked, known when they come twice, scaled by source, assembled. No I/O, no clock."""

import zlib
from collections import Counter
from collections.abc import Callable

import numpy as np

from encoders.scaling import RobustScaler
from streams.intake.assembly import Assembler, ReadUpto
from streams.intake.group import ArrivedWindow, Group, slot_in
from streams.intake.validation import NS_PER_S, validate, year_ns
from streams.labels import LABEL, LABEL_SCALING, LabelWindows
from streams.messages.message import Place
from streams.messages.rejects import InvalidRecord
from streams.recent import Recent, RecentKeys
from streams.records import Sample, SensorWindow
from streams.settings import IngestSettings, StreamSettings

REMEMBERED_WINDOWS = 200_000
REMEMBERED_SCALINGS = 50_000
SAMPLE_OVERHEAD_BYTES = 8_192  # of a sample beside its values: ids, scaling, label


class Intake:
    """All that ingest does to a window once it is decoded.

    Args:
        settings: Of the worker.
        remembered_windows: So many of the last windows are known again when they come twice.

    Raises:
        ValueError: If a sample of all modalities would not fit into a message.
    """

    def __init__(self, settings: StreamSettings, remembered_windows: int = REMEMBERED_WINDOWS) -> None:
        _check_size(settings)
        self._ingest = settings.ingest
        self._earliest_ns = year_ns(settings.ingest.earliest_year)
        self._specs = settings.sensors
        self._label_windows = LabelWindows(settings.labels.kind) if settings.shared_modality == LABEL else None
        self._hop_ns = round(settings.ingest.hop_s * NS_PER_S)
        grace_ns = round(settings.ingest.grace_s * NS_PER_S)
        max_bytes = round(settings.ingest.max_waiting_mb * (1 << 20))
        self._assembler = Assembler(self._specs, self._hop_ns, grace_ns, max_bytes)
        self._scalers: Recent[tuple[str, str], RobustScaler] = Recent(REMEMBERED_SCALINGS)
        self._seen: RecentKeys[int] = RecentKeys(remembered_windows)
        self._recalled: RecentKeys[int] = RecentKeys(remembered_windows)

    @property
    def n_open(self) -> int:
        """Slots that wait for companions."""
        return self._assembler.n_open

    def assemble(
        self, window: SensorWindow, modality: str, key: bytes | None, place: Place, now_ns: int
    ) -> list[Group] | None:
        """What a window closes; None if it lies in a sample that was recalled.

        Raises:
            InvalidRecord: If it cannot be used, or came before.
        """
        window = validate(
            window,
            modality,
            key,
            self._specs,
            now_ns,
            earliest_ns=self._earliest_ns,
            max_future_s=self._ingest.max_future_s,
            length_tolerance=self._ingest.length_tolerance,
        )
        is_new = self._seen.note(hash((window.source_id, modality, window.start_ns)))
        if window.window_id is not None:
            is_new = self._seen.note(hash((window.source_id, modality, window.window_id))) and is_new
        if not is_new:
            raise InvalidRecord("duplicate", "window_id", window.identity, "each window once")
        if self._recalled:
            slot = self._assembler.slot(window.source_id, window.start_ns)
            if _content(window.source_id, slot, modality, window.values) in self._recalled:
                return None
        scaling = self._scaler(window.source_id, modality).update(window.values)
        return self._assembler.add(ArrivedWindow(window, scaling, place), now_ns)

    @property
    def n_forced(self) -> int:
        """Slots that were closed for want of room."""
        return self._assembler.n_forced

    @property
    def waiting_bytes(self) -> Counter[tuple[str, int]]:
        """Of the windows that wait for companions, by modality and partition."""
        return self._assembler.waiting_bytes

    def tick(self, now_ns: int, read_upto: ReadUpto | None = None) -> list[Group]:
        """The groups whose grace is over by now."""
        return self._assembler.tick(now_ns, read_upto)

    def make_room(self, is_enough: Callable[[], bool], partition: int | None = None) -> list[Group]:
        """The groups that have waited longest, of that partition or of all, until it is enough."""
        return self._assembler.make_room(is_enough, partition)

    def flush(self) -> list[Group]:
        """The groups of all slots that are open: nothing more comes."""
        return self._assembler.flush()

    def recall(self, sample: Sample) -> None:
        """Takes up a sample of an earlier life: its windows are known, its slot is closed, its scaling goes on."""
        sensors = {name: values for name, values in sample.windows.items() if name != LABEL}
        slot = slot_in(sample.sample_id, sample.source_id)
        if slot is None:
            slot = self._assembler.slot(sample.source_id, sample.start_ns)
        new = [name for name in sensors if self._recalled.note(_content(sample.source_id, slot, name, sensors[name]))]
        for name in new:
            known = RobustScaler(self._ingest.scaling_windows, sample.scaling.get(name))
            if known.follows:
                self._scalers[sample.source_id, name] = known
            elif not (scaler := self._scaler(sample.source_id, name)).follows:
                scaler.update(sample.windows[name])
        if new:
            self._assembler.recall(sample.source_id, slot, sample.start_ns, sensors, sample.late)

    def sample(self, group: Group) -> Sample:
        """What a group of windows is called and carries from here on; its label's window too, where labels bind."""
        windows = [one.window for one in group.arrivals]
        source_id = windows[0].source_id
        held_out = is_held_out(source_id, self._ingest)
        values = {window.modality: window.values for window in windows}
        scaling = {one.window.modality: one.scaling for one in group.arrivals}
        label = next((window.label for window in windows if window.label is not None), None)
        # What is held out is to be judged by its label, and must not learn or bind by it.
        if self._label_windows is not None and label is not None and not held_out:
            values[LABEL], scaling[LABEL] = self._label_windows(label, group.sample_id), LABEL_SCALING
        return Sample(
            sample_id=group.sample_id,
            source_id=source_id,
            start_ns=min(window.start_ns for window in windows),
            windows=values,
            scaling=scaling,
            held_out=held_out,
            late=group.is_late,
            label=label,
        )

    def _scaler(self, source_id: str, modality: str) -> RobustScaler:
        key = (source_id, modality)
        if key not in self._scalers:
            self._scalers[key] = RobustScaler(self._ingest.scaling_windows)
        self._scalers.move_to_end(key)
        return self._scalers[key]


def is_held_out(source_id: str, settings: IngestSettings) -> bool:
    """By name, or by a hash that is the same everywhere and always."""
    share = zlib.crc32(source_id.encode()) / 2**32
    return source_id in settings.held_out_sources or share < settings.held_out_share


def _content(source_id: str, slot: int, modality: str, values: np.ndarray) -> int:
    # By its values: a sample does not say when each of its windows started.
    return hash((source_id, slot, modality, values.tobytes()))


def _check_size(settings: StreamSettings) -> None:
    needed = SAMPLE_OVERHEAD_BYTES + sum(4 * one.n_steps * one.n_channels for one in settings.specs.values())
    if needed > settings.topics.max_message_bytes:
        raise ValueError(
            f"topics.max_message_bytes is {settings.topics.max_message_bytes}: a sample of all modalities takes "
            f"{needed} bytes; wanted at least that, or shorter windows"
        )
