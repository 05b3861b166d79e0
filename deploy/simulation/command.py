"""`mmbind simulate`: a fleet streams, and then it is said how much of the truth the pairs have found."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from deploy.errors import CommandError, WrongInput
from deploy.report.pair_figures import PairFigures, judge_pairs, last_rounds
from deploy.report.report import share
from deploy.settings.config import Settings
from deploy.simulation.answers import Answers
from deploy.simulation.fleet import Fleet, World
from deploy.simulation.truth_files import LABELS, WINDOWS, write_truth
from deploy.topics.models_view import read_view
from deploy.topics.send import complain, play, producer_of, signing_keys_of
from streams.models.channels import ChannelView
from streams.records import Binding, Sample, SensorWindow

# Without a new answer for so long nobody is at work.
PATIENCE_S = 60.0
LOOK_EVERY_S = 1.0


def fleet_of(settings: Settings, for_s: float, speed: float, world: World) -> Fleet:
    """A fleet that has so much to send, and whose last slot ends now: nothing of it lies in the future.

    Raises:
        WrongInput: If the time is shorter than one hop, or the settings have no second modality.
    """
    hop_s = settings.ingest.hop_s
    n_slots = int(for_s * speed / hop_s)
    if n_slots < 1:
        raise WrongInput(f"--for {for_s:g} s at --speed {speed:g} is less than ingest.hop_s, {hop_s:g} s: wanted more")
    return Fleet(settings, world, n_slots, time.time_ns())


def simulate(fleet: Fleet, settings: Settings, speed: float, folder: Path) -> None:
    """Streams, waits for what comes of it, says it, and writes the truth.

    Raises:
        BrokerUnreachable: If the broker cannot be used.
        LogError: If the topics are not there.
        CommandError: If a window was refused by the broker, or no worker answers.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(soft_wrap=True)
    lacking = ", ".join(f"{n} have no {name}" for name, n in fleet.lacking().items())
    console.print(
        f"{len(fleet.node_ids)} nodes, {fleet.node_ids[0]} and so on: {lacking}; {fleet.n_complete} that have all are "
        "held out to judge versions"
    )
    n_samples = len(fleet.node_ids) * fleet.n_slots
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Answers(settings, fleet.node_ids) as answers, Progress(*columns, console=Console(stderr=True)) as progress:
        sending = progress.add_task("windows sent", total=fleet.n_windows)
        sent: list[SensorWindow] = []

        def on_sent(window: SensorWindow) -> None:
            sent.append(window)
            progress.advance(sending)

        keys = signing_keys_of(fleet.node_ids, settings)
        with producer_of(settings, signing_keys=keys) as producer:
            play(fleet.windows(), producer, speed, threading.Event(), on_sent)
        complain(producer)
        write_truth(fleet, sent, folder)
        binding = progress.add_task("samples bound", total=n_samples)
        wait_for(answers, n_samples, lambda n: progress.update(binding, completed=n))
        learning = progress.add_task("versions judged", total=None)
        channel = settings.registry.channel
        version = wait_for_version(
            lambda: read_view(settings), channel, lambda n: progress.update(learning, completed=n)
        )
    console.print(told(*judged(answers.bindings, answers.samples, fleet.truth())))
    console.print(_next(version, channel, folder))


def wait_for(answers: Answers, n_samples: int, on_answers: Callable[[int], None]) -> None:
    """Returns when so many samples have an answer.

    Raises:
        CommandError: If no more come.
    """
    n_known, heard_s = 0, time.monotonic()
    while n_known < n_samples:
        n_now = answers.read()
        if n_now > n_known:
            n_known, heard_s = n_now, time.monotonic()
        on_answers(n_known)
        if time.monotonic() - heard_s > PATIENCE_S:
            raise CommandError(
                f"{n_known} of {n_samples} samples have been bound, and none for {PATIENCE_S:.0f} s: wanted a worker "
                "that runs with these settings, by `mmbind up` or `mmbind stream`"
            )
        time.sleep(LOOK_EVERY_S)


def wait_for_version(read: Callable[[], ChannelView], channel: str, on_look: Callable[[int], None]) -> int:
    """The version that the channel comes to be at; 0 where no more are made, and none has passed.

    Args:
        read: What the topic says of versions now.
        channel: Its name.
        on_look: Is told how many were judged.
    """
    n_known, heard_s = -1, time.monotonic()
    while True:
        view = read()
        if version := view.current(channel):
            return version
        on_look(len(view.decisions))
        if len(view.decisions) != n_known:
            n_known, heard_s = len(view.decisions), time.monotonic()
        elif time.monotonic() - heard_s > PATIENCE_S:
            return 0
        time.sleep(LOOK_EVERY_S)


def judged(
    bindings: Sequence[Binding], samples: Mapping[str, Sample], truth: Mapping[tuple[str, int], str]
) -> tuple[PairFigures, int]:
    """The figures of pairs within the fleet, and how many samples have a best partner that is not of it.

    Args:
        bindings: Of the fleet's samples, in order.
        samples: The fleet's by id.
        truth: What its nodes did, by id and start.
    """
    within = [one for one in bindings if not one.partners or one.partners[0].sample_id in samples]
    labels = {name: truth[one.source_id, one.start_ns] for name, one in samples.items()}
    strange = {one.sample_id for one in last_rounds(bindings)} - {one.sample_id for one in last_rounds(within)}
    return judge_pairs(within, samples, dict(labels)), len(strange)


def told(figures: PairFigures, n_strange: int) -> str:
    """How many of the best partners are right, next to chance."""
    strange = f" {n_strange} samples have a best partner that is not of this fleet, and are left out." * bool(n_strange)
    return (
        f"best partners that are right: {share(figures.best)} of {len(figures.right):,} samples in their last round, "
        f"{share(figures.on_arrival)} when they came, {share(figures.chance)} by chance. Right: both nodes did the "
        f"same. Later rounds ask again, with more samples and better models.{strange}"
    )


def _next(version: int, channel: str, folder: Path) -> str:
    model = f"version {version} is {channel}" if version else "none has passed the gate: a longer --for teaches more"
    files = f"{folder / WINDOWS}, and a few labels of it: {folder / LABELS}"
    return f"models: {model} (mmbind models list)\nthe truth: {files}"
