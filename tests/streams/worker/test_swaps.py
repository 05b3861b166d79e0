"""Two workers that take up eleven versions while windows flow, each when it gets to it: no Binding mixes two."""

import itertools
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from deploy.machine.brokers import Broker
from deploy.recordings.watch import watch_recordings
from encoders.nets import EncoderFunction, load_encoders
from streams.broker.log import LogReader, read_all
from streams.messages.codec import decode_many
from streams.models.channels import ChannelView
from streams.models.registry import Registry
from streams.records import Binding
from tests.support.commands import run
from tests.support.played import PlayedRecordings
from tests.support.version_check import VersionCheck
from tests.support.workers import Farm

# One after the other, and then back to the one before the last: it is held.
PUBLISHED, BACK_TO = range(1, 11), 9
TOLERANCE = 1e-4
OPTIONS: dict[str, Mapping[str, object]] = {
    "topics": {"sample_partitions": 2, "pair_partitions": 1},
    "binding": {"descriptor": "oriented", "review_samples": 256},
}


class Recorded:
    """What has come in `pairs`, in the order of the log."""

    def __init__(self, reader: LogReader) -> None:
        self.bindings: list[Binding] = []
        self._following = reader.follow(threading.Event(), poll_ms=20)

    def read_on(self) -> None:
        for message in itertools.takewhile(lambda one: one is not None, self._following):
            self.bindings += decode_many(message.value, Binding) if message else []

    @property
    def first(self) -> list[Binding]:
        return [one for one in self.bindings if not one.round]

    def has(self, n_first: int) -> bool:
        self.read_on()
        return len(self.first) >= n_first

    def workers_at(self, version: int, since: int = 0) -> set[str]:
        """Those whose first Bindings name it, from that place in the log on."""
        return {worker_of(one) for one in self.bindings[since:] if one.model_version == version and not one.round}


def worker_of(binding: Binding) -> str:
    return binding.worker.rpartition("-")[0]


def flow(farm: Farm, world: PlayedRecordings, recorded: Recorded) -> Iterator[None]:
    """Slot after slot of windows, no more than two ahead of what is bound."""
    n_sent = 0
    for number in itertools.count():
        windows = world.slot(number)
        farm.send(windows)
        n_sent += len({one.source_id for one in windows})
        farm.wait(partial(recorded.has, n_sent - 2 * len(world.sources)))
        yield


def swaps_of(bindings: Sequence[Binding]) -> dict[str, list[int]]:
    """The versions of each worker's first Bindings, in its own order, repeats left out."""
    by_worker: dict[str, list[Binding]] = defaultdict(list)
    for one in bindings:
        by_worker[worker_of(one)].append(one)
    return {
        worker: [
            version
            for version, _ in itertools.groupby(
                one.model_version for one in sorted(mine, key=lambda one: (one.worker, one.sequence))
            )
        ]
        for worker, mine in by_worker.items()
    }


def n_while_apart(bindings: Sequence[Binding]) -> int:
    """First Bindings that one worker wrote by an older version after the other had written one by a newer."""
    newest: dict[str, int] = {}
    n_apart = 0
    for one in bindings:
        newest[worker_of(one)] = max(newest.get(worker_of(one), 0), one.model_version)
        n_apart += one.model_version < max(newest.values())
    return n_apart


def check_of(farm: Farm) -> VersionCheck:
    view, shared = ChannelView(), farm.settings.shared_modality
    for message in read_all(farm.broker, farm.names.models):
        view.apply(message.key or b"", message.value, message.offset)
    registry = Registry(farm.settings.registry.root)
    encoders: dict[int, EncoderFunction | None] = {0: None}
    for version, manifest in view.manifests.items():
        encoders[version] = load_encoders(registry.fetch(manifest, [shared]), [shared])[shared]
    return VersionCheck(farm.settings.specs[shared], farm.settings.binding, encoders, farm.samples())


def test_no_binding_of_two_workers_that_swap_eleven_times_mixes_versions(
    any_broker: Broker, tmp_path: Path, prefix: str
) -> None:
    world = PlayedRecordings(watch_recordings())
    with (
        Farm(any_broker, world, tmp_path, prefix, more=OPTIONS, grace_s=0.2) as farm,
        LogReader(farm.broker, farm.names.pairs) as reader,
    ):
        recorded = Recorded(reader)
        farm.start_worker()
        farm.start_worker()
        slots = flow(farm, world, recorded)
        while len(recorded.workers_at(0)) < 2 or len(recorded.first) < 100:
            next(slots)

        def flow_until_both_are_at(version: int) -> None:
            since = len(recorded.bindings)
            while len(recorded.workers_at(version, since)) < 2:
                next(slots)

        for version in PUBLISHED:
            farm.publish(version, seed=version)
            flow_until_both_are_at(version)
        run(["models", "rollback", "--config", str(tmp_path / "mmbind.toml"), "--reason", "a test"])
        flow_until_both_are_at(BACK_TO)
        check = check_of(farm)

    swaps = swaps_of(recorded.first)
    assert len(swaps) == 2
    assert all(versions == [0, *PUBLISHED, BACK_TO] for versions in swaps.values()), swaps
    bound = [one for one in recorded.bindings if one.partners]
    fitting = [check.versions(one, TOLERANCE) for one in bound]
    told_apart = np.mean([len(versions) == 1 for versions in fitting])
    print(
        f"{len(PUBLISHED) + 1} swaps of each worker, {len(bound)} Bindings ({sum(one.round > 0 for one in bound)} of "
        f"later rounds) with {sum(len(one.partners) for one in bound)} partners; largest deviation "
        f"{max(check.deviation(one, one.model_version) for one in bound):.1e}; {told_apart:.1%} fit no other version; "
        f"{n_while_apart(recorded.first)} first Bindings by the older of two versions"
    )
    assert all(one.model_version in versions for one, versions in zip(bound, fitting, strict=True))
    assert told_apart > 0.9
