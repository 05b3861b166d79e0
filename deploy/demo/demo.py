"""`mmbind demo`: the whole loop on real recordings, on this machine, with nothing else needed.

1. Start the embedded broker, make the topics, start worker, trainer and consumer as processes of their own.
2. Play the recordings as sensor nodes; an observer reads the topics meanwhile.
3. Wait until every window has become a Binding, all cycles were trained, and worker and consumer run the last model.
4. End the services, read all topics once more, judge the run, train the controls.
5. Print the tables; write report and picture.
"""

import os
import shutil
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import FrameType

from rich.console import Console

from deploy.demo.consumer import FOLLOWER_ID
from deploy.demo.evidence import Evidence, Observer, read_evidence
from deploy.demo.services import ServiceError, Services, precision_estimate, scrape
from deploy.demo.view import DemoView
from deploy.machine.brokers import EmbeddedBroker, free_port
from deploy.recordings.recordings import Recordings
from deploy.recordings.truth import Truth, without_labels
from deploy.recordings.watch import watch_recordings
from deploy.replay.plan import described
from deploy.report.assessment import FinishedRun, assess
from deploy.report.report import Report, as_tables
from deploy.settings.config import Settings, as_toml
from deploy.topics.installation import install_topics
from deploy.topics.send import play, producer_of
from streams.precision.figures import PrecisionEstimate
from streams.records import SensorWindow
from streams.service.folder_lock import FolderLock

FOLDER = Path("demo")
TITLE = "mmbind-stream: 20 smartwatch nodes, each lacking a sensor, bound and learned from as they stream"
SETTLE_S = 90.0
# Kept small, so that a few minutes hold several versions.
CYCLE_BINDINGS = 96


def run_demo(folder: Path = FOLDER, speed: float = 3.5, seed: int = 0, n_windows: int | None = None) -> Report:
    """Runs it to its end and returns the report; whatever happens, nothing keeps running.

    Args:
        folder: Where report, picture and logs go; what an earlier demo left there is removed.
        speed: Times real time.
        seed: Of the training.
        n_windows: Of each recording only the first so many; without it all.

    Raises:
        ServiceError: If a service did not do its part.
        BrokerError: If the embedded broker cannot run here.
        RecordingError: If the recordings are not here.
        FolderInUse: If another demo runs in the folder.
    """
    started_s, console = time.monotonic(), Console()
    lock = FolderLock(folder)
    # Both set here: a shell that starts us in the background has SIGINT ignored.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _interrupt)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    recordings = watch_recordings(n_windows)
    logs = _cleared(folder)
    broker = EmbeddedBroker(logs / "broker.log")
    settings = demo_settings(recordings, broker.bootstrap_servers, folder, seed)
    settings_file = folder / "mmbind.toml"
    settings_file.write_text(as_toml(settings))
    console.print(_introduction(recordings, folder))
    try:
        broker.start()
        services = Services(broker, settings, settings_file, logs)
        evidence, losses, estimate = _stream(recordings, settings, services, speed)
    except KeyboardInterrupt:
        console.print("interrupted: all services are stopped")
        raise
    finally:
        broker.stop()
        lock.release()
    run = finished(recordings, settings, evidence, losses, folder)
    run = replace(run, estimate=estimate)
    with console.status("judging") as status:
        report = assess(run, status.update if console.is_terminal else console.print)
    report.seconds = round(time.monotonic() - started_s, 1)
    _write(report, folder, console)
    return report


def demo_settings(recordings: Recordings, bootstrap_servers: str, folder: Path, seed: int) -> Settings:
    """What the demo's services are told."""
    return Settings.model_validate(
        {
            "broker": {"bootstrap_servers": bootstrap_servers},
            # One partition of pairs: the trainer then reads them in the order in which they were made.
            "topics": {"partitions": 2, "pair_partitions": 1},
            "modalities": {name: described(spec) for name, spec in recordings.specs.items()},
            "shared_modality": recordings.shared,
            "ingest": {
                "hop_s": recordings.hop_s,
                "grace_s": 1.0,
                "held_out_sources": tuple(sorted(recordings.held_out)),
            },
            "registry": {"root": str((folder / "models").absolute())},
            "runtime": {
                "stream_port": free_port(),
                "trainer_port": free_port(),
                "data_dir": str((folder / "data").absolute()),
            },
            # No steps while nothing comes: the controls, with which it is compared, have as many as its cycles.
            "trainer": {"seed": seed, "cycle_bindings": CYCLE_BINDINGS, "publish_every_s": 0, "idle_cycles": 0},
        }
    )


def _stream(
    recordings: Recordings, settings: Settings, services: Services, speed: float
) -> tuple[Evidence, dict[int, float], PrecisionEstimate]:
    """Steps 1 to 3.

    Returns:
        All that the topics hold at the end; the losses that the trainer showed, by step; the worker's last word on
        precision.
    """
    install_topics(settings)
    windows = list(without_labels(recordings.visible))
    with services, Observer(settings) as observer:
        view = DemoView(observer.evidence, Truth(recordings, recordings.hop_s), settings, len(windows))
        with view:
            view.say("starting worker, trainer and consumer")
            services.wait_until_ready()
            _play(windows, settings, services, view, speed)
            _settle(recordings, settings, services, observer.evidence, view)
            view.say("ending the services")
            estimate = precision_estimate(scrape(settings.runtime.stream_port))
            services.stop()
        return read_evidence(settings), view.losses, estimate


def _play(
    windows: Sequence[SensorWindow], settings: Settings, services: Services, view: DemoView, speed: float
) -> None:
    view.say(f"20 nodes play their recordings, {speed:g} times as fast as life")

    def on_sent(window: object) -> None:
        view.windows_sent += 1
        if view.windows_sent % 100 == 0:
            services.check()

    with producer_of(settings) as producer:
        play(windows, producer, speed, threading.Event(), on_sent)
    if producer.n_failed:
        raise ServiceError(f"{producer.n_failed} windows were not sent; the last: {producer.errors[-1]}")


def _settle(recordings: Recordings, settings: Settings, services: Services, evidence: Evidence, view: DemoView) -> None:
    """Returns when nothing more is to be expected (step 3)."""
    slots = {(window.source_id, window.start_ns) for window in recordings.visible}
    n_cycles = sum(source not in recordings.held_out for source, _ in slots) // settings.trainer.cycle_bindings
    view.say("all windows are sent; waiting until the last ones are bound")
    services.wait(
        lambda: len(slots) <= len(evidence.samples) <= evidence.n_bound,
        SETTLE_S,
        lambda: f"{len(evidence.samples)} samples, {evidence.n_bound} with a Binding, of {len(slots)}",
    )
    view.say("waiting for the last training cycle, and until worker and consumer run its model")
    services.wait(
        lambda: len(evidence.models.decisions) >= n_cycles and evidence.all_run_the_last(settings.registry.channel),
        SETTLE_S,
        lambda: f"{len(evidence.models.decisions)} of {n_cycles} versions, followers {evidence.versions}",
    )


def finished(
    recordings: Recordings, settings: Settings, evidence: Evidence, losses: dict[int, float], folder: Path
) -> FinishedRun:
    """The run's parts, from the topics, the registry and the trainer's last checkpoint."""
    from streams.models.registry import Registry
    from trainer.checkpoints.checkpoint import CheckpointFolder, admitted_twice

    checkpoints = CheckpointFolder(folder / "data" / "checkpoints")
    last = checkpoints.latest()
    admitted = checkpoints.admitted(last.number) if last else []
    registry, manifests = Registry.of(settings.registry), evidence.models.manifests
    versions = evidence.versions
    return FinishedRun(
        recordings=recordings,
        settings=settings,
        trainer=settings.trainer,
        windows_in=evidence.n_windows,
        windows_lost=evidence.windows_lost,
        rejects=evidence.n_rejects,
        samples=evidence.samples,
        bindings=evidence.in_order,
        trained_bindings=[evidence.bindings[identity] for identity in admitted],
        weights={version: registry.fetch(manifest).weights for version, manifest in sorted(manifests.items())},
        worker_model_version=max((v for name, v in versions.items() if name != FOLLOWER_ID), default=0),
        consumer_model_version=versions.get(FOLLOWER_ID, 0),
        pairs_trained=len(admitted),
        pairs_trained_twice=admitted_twice(checkpoints.root),
        losses=losses,
        steps_of_version={
            version: round(manifest.evaluation["trained/steps"]) for version, manifest in sorted(manifests.items())
        },
    )


def _write(report: Report, folder: Path, console: Console) -> None:
    from deploy.report.picture import draw

    (folder / "report.json").write_bytes(report.as_json())
    draw(report, folder / "report.png", TITLE)
    console.print(as_tables(report))
    console.print(f"\nfigures: {folder / 'report.json'}   picture: {folder / 'report.png'}   logs: {folder / 'logs'}")


def _introduction(recordings: Recordings, folder: Path) -> str:
    return (
        f"[bold]mmbind demo[/]: {len(recordings.sources)} sensor nodes with real recordings of a smartwatch (seglearn, "
        "ten people, seven exercises). One watch was split to make nodes that lack a sensor each: that is why the "
        f"truth is known. Two people keep all sensors and are held out. Logs: {folder / 'logs'}\n"
    )


def _cleared(folder: Path) -> Path:
    """The folder without what an earlier demo left; where logs go."""
    for name in ("data", "models", "logs"):
        shutil.rmtree(folder / name, ignore_errors=True)
    (folder / "logs").mkdir(parents=True)
    return folder / "logs"


def _interrupt(number: int, frame: FrameType | None) -> None:
    # Once: what ends the services must not be interrupted itself.
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, signal.SIG_IGN)
    raise KeyboardInterrupt
