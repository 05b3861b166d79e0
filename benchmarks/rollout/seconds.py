"""How long a version takes from its publishing to its use by many followers.

    python -m benchmarks.rollout.seconds [--followers 20] [--versions 10] [--json FILE]

Followers in four processes, through Apache Kafka of KAFKA_HOME or the embedded broker; the registry is a folder. A
version's way begins when its files are about to be written, and again when its channel is moved: it ends for a follower
when the next call would be answered by it.
"""

import argparse
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any, cast

import torch
from rich.console import Console
from rich.table import Table

from benchmarks.command_line import parser_of, write_json
from benchmarks.rollout.fleet import rollout_settings
from deploy.machine.up import at_broker, choose_broker
from deploy.recordings.watch import watch_recordings
from deploy.settings.config import Settings
from deploy.topics.admin import admin_client
from encoders.bundle import ModelBundle
from encoders.manifest import ModelManifest
from encoders.nets import Encoder, encoder_weights
from streams.broker.topics import create_topics
from streams.follower import ModelFollower
from streams.models.registry import Registry
from streams.records import Decision
from trainer.candidate import Candidate
from trainer.step.fresh_encoders import fresh_encoders
from trainer.topics.models import KafkaModels
from trainer.topics.publishing import Publisher

N_PROCESSES = 4
PATIENCE_S = 60.0


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line as read."""
    parser = parser_of(__doc__)
    parser.add_argument("--followers", type=int, default=20)
    parser.add_argument("--versions", type=int, default=10)
    return parser.parse_args(given)


def follow(settings: Settings, ids: Sequence[str], swapped: Any, stop: Event) -> None:
    """Followers of one process, until `stop`; each swap goes to the queue with its time."""
    with ExitStack() as stack:
        for one in ids:

            def tell(old: int, new: int, follower_id: str = one) -> None:
                swapped.put((new, follower_id, time.time()))

            stack.enter_context(
                ModelFollower(
                    settings.broker,
                    settings.registry.root,
                    prefix=settings.topics.prefix,
                    follower_id=one,
                    on_swap=tell,
                )
            )
        stop.wait()


def measure(settings: Settings, n_followers: int, n_versions: int) -> list[dict[str, Any]]:
    """For each version: seconds of its publishing, and from the channel's move to each follower's swap."""
    context = multiprocessing.get_context("spawn")
    swapped, stop = context.Queue(), context.Event()
    ids = [f"follower-{number:02}" for number in range(n_followers)]
    processes = [
        context.Process(target=follow, args=(settings, ids[first::N_PROCESSES], swapped, stop))
        for first in range(N_PROCESSES)
    ]
    for process in processes:
        process.start()
    models = KafkaModels(settings.broker, settings.topics.prefix)
    try:
        publisher = Publisher(models, Registry.of(settings.registry), settings.registry.channel, time.time_ns)
        rows = []
        for version in range(1, n_versions + 1):
            candidate = candidate_of(settings, version)
            began_s = time.time()
            publisher.announce(candidate)
            moved_s = models.refresh().history(settings.registry.channel)[-1].at_ns / 1e9
            found = [swapped.get(timeout=PATIENCE_S) for _ in ids]
            assert {(new, name) for new, name, _ in found} == {(version, name) for name in ids}, found
            after = sorted(at_s - moved_s for _, _, at_s in found)
            rows.append({"version": version, "publish_s": moved_s - began_s, "swapped_s": after})
        return rows
    finally:
        stop.set()
        for process in processes:
            process.join(20)
        models.close()


def candidate_of(settings: Settings, version: int) -> Candidate:
    """Encoders of the product's own size, other ones for each version."""
    trainer = settings.trainer
    encoders = fresh_encoders(settings.specs, trainer, version, torch.device("cpu"))
    weights = {name: encoder_weights(cast(Encoder, encoder)) for name, encoder in encoders.items()}
    manifest = ModelManifest(
        version=version,
        parent=version - 1,
        created_ns=time.time_ns(),
        modalities=tuple(settings.specs.values()),
        shared_modality=settings.shared_modality,
        dim=trainer.dim,
    )
    return Candidate(ModelBundle(manifest, weights), Decision(version=version, passed=True, reason="measured"))


def main(given: Sequence[str] | None = None) -> None:
    """Prints a table, a row for each version and one for all but the first."""
    asked = arguments(given)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory(prefix="mmbind-rollout-") as name:
        settings = rollout_settings(watch_recordings(1), Path(name))
        broker = choose_broker(settings, os.environ)
        assert broker is not None, "the settings name no broker"
        settings = at_broker(settings, broker)
        broker.start()
        try:
            with admin_client(settings.broker) as admin:
                create_topics(admin, settings)
            rows = measure(settings, asked.followers, asked.versions)
        finally:
            broker.stop()
    # The first one finds the followers still starting.
    later = [seconds for row in rows[1:] for seconds in row["swapped_s"]]
    figures = {
        "broker": broker.name,
        "followers": asked.followers,
        "publish_s": statistics.median(row["publish_s"] for row in rows[1:]),
        "swapped_median_s": statistics.median(later),
        "swapped_last_s": max(later),
        "rows": rows,
    }
    _print(figures)
    if asked.json:
        write_json(figures, asked.json)


def _print(figures: dict[str, Any]) -> None:
    table = Table("version", "written, s", "half have swapped, s", "the last one has, s")
    for row in figures["rows"]:
        after = row["swapped_s"]
        table.add_row(
            str(row["version"]), f"{row['publish_s']:.2f}", f"{statistics.median(after):.2f}", f"{after[-1]:.2f}"
        )
    console = Console(highlight=False)
    console.print(table)
    console.print(
        f"{figures['followers']} followers, {figures['broker']}: half of the swaps after "
        f"{figures['swapped_median_s']:.2f} s, the last after {figures['swapped_last_s']:.2f} s"
    )


if __name__ == "__main__":
    main()
