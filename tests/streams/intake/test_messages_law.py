"""Whatever order topics are read in, and wherever a worker is killed: each window ends in one sample or reject."""

from collections import Counter
from collections.abc import Iterator

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from encoders.modality import ModalitySpec
from streams.intake.messages import Emission, Ingest
from streams.messages.codec import decode, decode_window, encode, encode_batch, split
from streams.records import Sample, SensorWindow
from streams.testing import EPOCH_NS, NS_PER_S, ManualClock, MemoryLog, SyntheticWorld

SMALL = tuple(ModalitySpec(name=name, n_channels=1, n_steps=5, rate_hz=1.0) for name in ("a", "b", "c"))
WORLD = SyntheticWorld(n_sources=2, n_complete=1, specs=SMALL)
SETTINGS = WORLD.settings()
GRACE_NS = round(SETTINGS.ingest.grace_s * NS_PER_S)
N_SLOTS = 7
BAD = b"\x07"  # a number is no record

Identity = tuple[str, str, int]


class Worker:
    """One life of an ingest worker: reads, sends, commits; `under_way` is what the broker has not confirmed."""

    def __init__(self, log: MemoryLog, out: MemoryLog, committed: dict[tuple[str, int], int]) -> None:
        self.log, self.out, self.committed = log, out, committed
        self.position = dict(committed)
        self.under_way: list[Emission] = []
        self.sent: set[tuple[str, str, bytes]] = set()
        self.ingest = Ingest(SETTINGS)
        for message in out.read("samples"):
            sample = decode(message.value or b"", Sample)
            self.sent.update((sample.source_id, name, values.tobytes()) for name, values in sample.windows.items())
            self.ingest.recall(sample)

    def read(self, partition: tuple[str, int], now_ns: int) -> None:
        messages = self.log.read(*partition, first=self.position.get(partition, 0))
        if messages:
            self.position[partition] = messages[0].offset + 1
            self.under_way.append(self.ingest.accept(messages[0], now_ns))

    def tick(self, now_ns: int) -> None:
        self.under_way.append(self.ingest.tick(now_ns))

    def send(self, place: int) -> Emission:
        emission = self.under_way.pop(place)
        for sample in emission.samples:
            self.sent.update((sample.source_id, name, values.tobytes()) for name, values in sample.windows.items())
            self.out.append("samples", sample.sample_id.encode(), encode(sample))
        for reject in emission.rejects:
            self.out.append("rejects", reject.key or b"", reject.value, reject.headers)
        return emission

    def deliver(self, place: int) -> None:
        for partition, offsets in self.ingest.resolved(self.send(place)).items():
            start = self.committed.get(partition, 0)
            assert offsets == list(range(start, start + len(offsets)))
            self.committed[partition] = offsets[-1] + 1
            for message in self.log.read(*partition, first=start)[: len(offsets)]:
                windows = [decode_window(raw) for raw in split(message.value) if raw != BAD]
                assert {(one.source_id, one.modality, one.values.tobytes()) for one in windows} <= self.sent


def identity(window: SensorWindow) -> Identity:
    return (window.source_id, window.modality, window.start_ns)


def sensors(data: st.DataObject) -> tuple[MemoryLog, dict[Identity, np.ndarray], int]:
    """A log of all topics, with the values of each good window, and the number of bad records."""
    log, good, n_bad = MemoryLog(), {}, 0
    for source in range(2):
        for modality in WORLD.modalities_of(source):
            slots = [slot for slot in range(N_SLOTS) if data.draw(st.integers(0, 9))]
            if data.draw(st.booleans()) and len(slots) > 1:
                slots[0], slots[1] = slots[1], slots[0]
            while slots:
                n = data.draw(st.integers(1, 3))
                some, slots = [WORLD.window(source, slot, modality) for slot in slots[:n]], slots[n:]
                good.update({identity(one): one.values for one in some})
                raws = [encode(one) for one in some]
                if not data.draw(st.integers(0, 5)):
                    raws.insert(0, BAD)
                    n_bad += 1
                key = WORLD.sources[source].encode()
                log.append(f"mmbind.windows.{modality}", key, bytes((0x90 | len(raws),)) + b"".join(raws))
    return log, good, n_bad


def samples_once(out: MemoryLog) -> list[Sample]:
    """As every reader of the log has them: of two with one id the first."""
    seen: dict[str, Sample] = {}
    for message in out.read("samples"):
        sample = decode(message.value or b"", Sample)
        seen.setdefault(sample.sample_id, sample)
    return list(seen.values())


def ended_in_samples(out: MemoryLog, good: dict[Identity, np.ndarray]) -> Counter[Identity]:
    """How often the values of each window lie in a sample."""
    by_values = {
        (source, modality, values.tobytes()): (source, modality, start)
        for (source, modality, start), values in good.items()
    }
    return Counter(
        by_values[sample.source_id, modality, values.tobytes()]
        for sample in samples_once(out)
        for modality, values in sample.windows.items()
    )


def some_life(worker: Worker, data: st.DataObject, clock: ManualClock) -> Iterator[None]:
    """Any number of steps in any order."""
    for _ in range(data.draw(st.integers(0, 40))):
        step = data.draw(st.sampled_from(["read", "read", "read", "deliver", "deliver", "tick"]))
        if step == "read":
            worker.read(data.draw(st.sampled_from(worker.log.partitions())), clock())
        elif step == "tick":
            worker.tick(clock.advance(data.draw(st.sampled_from([0.3, 1.1, 2.5]))))
        elif worker.under_way:
            worker.deliver(data.draw(st.integers(0, len(worker.under_way) - 1)))
        yield


@given(data=st.data(), n_kills=st.integers(0, 2))
@settings(max_examples=100)
def test_each_window_ends_in_one_sample_or_reject_through_any_order_and_kills(
    data: st.DataObject, n_kills: int
) -> None:
    log, good, n_bad = sensors(data)
    out, committed, clock = MemoryLog(), dict[tuple[str, int], int](), ManualClock(EPOCH_NS + N_SLOTS * WORLD.hop_ns)
    if not log.partitions():
        return
    for _ in range(n_kills):
        worker = Worker(log, out, committed)
        for _ in some_life(worker, data, clock):
            pass
        while worker.under_way:  # killed: the broker may have got some of it all the same
            if data.draw(st.booleans()):
                worker.send(0)
            else:
                worker.under_way.pop(0)
    worker = Worker(log, out, committed)
    for _ in some_life(worker, data, clock):
        pass
    for partition in log.partitions():
        while worker.position.get(partition, 0) < len(log.read(*partition)):
            worker.read(partition, clock())
    worker.tick(clock.advance(1000))
    while worker.under_way:
        worker.deliver(data.draw(st.integers(0, len(worker.under_way) - 1)))

    assert ended_in_samples(out, good) == Counter(good.keys())
    rejects = out.read("rejects")
    assert {one.value for one in rejects} <= {BAD}
    assert len(rejects) == n_bad if n_kills == 0 else len(rejects) >= n_bad
    assert committed == {partition: len(log.read(*partition)) for partition in log.partitions()}
    assert worker.ingest.n_waiting == worker.ingest.n_open == 0


@given(st.data())
@settings(max_examples=50)
def test_the_order_of_the_topics_changes_neither_ids_nor_scaling(data: st.DataObject) -> None:
    log = MemoryLog()
    for slot in range(N_SLOTS):
        for source in range(2):
            for modality in WORLD.modalities_of(source):
                one = WORLD.window(source, slot, modality)
                log.append(f"mmbind.windows.{modality}", one.source_id.encode(), encode_batch([one]))
    made = []
    for _ in range(2):
        worker, now_ns = Worker(log, MemoryLog(), {}), EPOCH_NS + N_SLOTS * WORLD.hop_ns
        reads = [partition for partition in log.partitions() for _ in log.read(*partition)]
        for partition in data.draw(st.permutations(reads)):
            worker.read(partition, now_ns)
        worker.tick(now_ns + GRACE_NS)
        made.append({one.sample_id: one for emission in worker.under_way for one in emission.samples})
    assert made[0].keys() == made[1].keys() == {one.sample_id for one in WORLD.samples(N_SLOTS)}
    for sample_id, sample in made[0].items():
        for modality in sample.windows:
            assert (sample.scaled(modality) == made[1][sample_id].scaled(modality)).all()
