"""`mmbind replay --offline`: replays, shows progress, prints the tables, and writes what was asked for."""

import tempfile
import time
from pathlib import Path

from deploy.replay.loop import Loop
from deploy.replay.plan import ReplayPlan
from deploy.report.report import Report
from streams.models.registry import Registry


def replay_offline(run: ReplayPlan, report_file: Path | None = None, picture_file: Path | None = None) -> Report:
    """Replays, shows progress, prints the tables, and writes what was asked for.

    Raises:
        ConfigError: If the settings do not fit.
    """
    import torch
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from deploy.report.assessment import assess
    from deploy.report.report import as_tables
    from trainer.parallel.process_group import open_ranks

    settings = run.settings()
    torch.set_num_threads(settings.runtime.threads)
    started_s = time.monotonic()
    shown = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    bar = Progress(SpinnerColumn(), TextColumn("{task.description}"), *shown, console=Console(stderr=True))
    console = Console()
    with (
        open_ranks(settings, settings.trainer) as ranks,
        tempfile.TemporaryDirectory() as folder,
        bar as progress,
    ):
        loop = Loop(settings, Registry(folder), ranks)
        windows = run.recordings.visible
        replaying = progress.add_task(f"{run.recordings.name}: windows through the loop", total=len(windows))
        loop.replay(windows, on_windows=lambda n: progress.advance(replaying, n))
        judging = progress.add_task("judging", total=None)
        report = assess(loop.finished(run.recordings), lambda what: progress.update(judging, description=what))
        progress.update(judging, total=1, completed=1)
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
    return report
