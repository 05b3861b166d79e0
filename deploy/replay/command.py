"""`mmbind replay --offline`: replays, shows progress, prints the tables, and writes what was asked for."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.replay.loop import Loop
from deploy.replay.plan import ReplayPlan
from deploy.report.report import Report
from deploy.settings.config import Settings, as_toml
from streams.models.registry import Registry

SETTINGS_FILE = "mmbind.toml"


def replay_offline(
    run: ReplayPlan, report_file: Path | None = None, picture_file: Path | None = None, keep: Path | None = None
) -> Report:
    """Replays, shows progress, prints the tables, and writes what was asked for.

    Args:
        run: What and how.
        report_file: Gets the figures as JSON.
        picture_file: Gets the picture, PNG.
        keep: A new folder for all versions and the settings, for `mmbind embed` and `finetune`.

    Raises:
        ConfigError: If the settings do not fit.
    """
    import torch
    from rich.console import Console

    from deploy.report.report import as_tables

    settings = run.settings() if keep is None else kept_settings(run.settings(), keep)
    torch.set_num_threads(settings.runtime.threads)
    started_s = time.monotonic()
    console = Console()
    console.print(f"what binds: {run.choice[0]}; {run.choice[1]}", soft_wrap=True)
    with _folder(keep) as folder:
        loop, report = _replayed(run, settings, folder)
    report.seconds = time.monotonic() - started_s
    console.print(as_tables(report))
    if report_file:
        report_file.parent.mkdir(parents=True, exist_ok=True)
        report_file.write_bytes(report.as_json())
        console.print(f"figures: {report_file}")
    if picture_file:
        from deploy.report.picture import draw

        draw(report, picture_file, f"{run.recordings.name}: windows in, pairs bound, models swapped in")
        console.print(f"picture: {picture_file}")
    if keep:
        console.print(_kept(loop, settings, keep), soft_wrap=True)
    return report


def _replayed(run: ReplayPlan, settings: Settings, folder: Path) -> tuple[Loop, Report]:
    """The loop after its replay, with versions below the folder, and its report; shows progress meanwhile."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from deploy.report.assessment import assess
    from trainer.parallel.process_group import open_ranks

    shown = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    bar = Progress(SpinnerColumn(), TextColumn("{task.description}"), *shown, console=Console(stderr=True))
    with open_ranks(settings, settings.trainer) as ranks, bar as progress:
        loop = Loop(settings, Registry(str(folder)), ranks)
        windows = run.recordings.visible
        replaying = progress.add_task(f"{run.recordings.name}: windows through the loop", total=len(windows))
        loop.replay(windows, on_windows=lambda n: progress.advance(replaying, n))
        judging = progress.add_task("judging", total=None)
        report = assess(loop.finished(run.recordings), lambda what: progress.update(judging, description=what))
        progress.update(judging, total=1, completed=1)
    return loop, report


def kept_settings(settings: Settings, folder: Path) -> Settings:
    """The same for whoever reads what a replay keeps: nobody signs there."""
    unsigned = {"root": str(folder), "signing_key_file": None, "public_key_file": None}
    return settings.model_copy(update={"registry": settings.registry.model_copy(update=unsigned)})


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)
        return
    keep.mkdir(parents=True)
    yield keep


def _kept(loop: Loop, settings: Settings, folder: Path) -> str:
    file = folder / SETTINGS_FILE
    file.write_text(as_toml(settings), encoding="utf-8")
    if not loop.weights:
        return f"settings: {file}; no version was published, so there is none to keep"
    version = loop.followed or max(loop.weights)
    word = "the last that passed the gate" if loop.followed else "none passed the gate, this is the last"
    return (
        f"models: {folder}, version {version}: {word}\n"
        f"mmbind embed FILE --config {file} --version {version} --out embeddings.npz\n"
        f"mmbind finetune FILE --config {file} --version {version} --labels-per-class 5"
    )
