"""Recordings played slot by slot, without an end."""

from collections import defaultdict

import msgspec

from deploy.recordings.recordings import NS_PER_S, Recordings
from streams.records import SensorWindow
from streams.settings import IngestSettings, ModalitySettings, StreamSettings


class PlayedRecordings:
    """Recordings from their beginning to their end, and from the beginning again, later."""

    def __init__(self, recordings: Recordings) -> None:
        self.name, self.sources = recordings.name, recordings.sources
        self._recordings = recordings
        self._hop_ns = round(recordings.hop_s * NS_PER_S)
        slots: dict[int, list[SensorWindow]] = defaultdict(list)
        for window in recordings.visible:
            slots[(window.start_ns - recordings.windows[0].start_ns) // self._hop_ns].append(window)
        self._slots = [slots[number] for number in range(max(slots) + 1)]

    def settings(self) -> StreamSettings:
        """What a worker is told of these recordings."""
        modalities = {
            spec.name: ModalitySettings(n_channels=spec.n_channels, n_steps=spec.n_steps, rate_hz=spec.rate_hz)
            for spec in self._recordings.specs.values()
        }
        held_out = tuple(sorted(self._recordings.held_out))
        ingest = IngestSettings(hop_s=self._recordings.hop_s, held_out_sources=held_out)
        return StreamSettings(modalities=modalities, shared_modality=self._recordings.shared, ingest=ingest)

    def slot(self, number: int) -> list[SensorWindow]:
        """What all nodes send for one slot, in the order of their names."""
        n_rounds, place = divmod(number, len(self._slots))
        later_ns = n_rounds * len(self._slots) * self._hop_ns
        windows = self._slots[place]
        return [msgspec.structs.replace(one, start_ns=one.start_ns + later_ns) for one in windows]
