"""The demo while it runs: what has gone round the loop so far, read from the topics, and how good the pairs are."""

import threading
import time

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from deploy.demo.evidence import Evidence
from deploy.demo.services import scrape
from deploy.recordings.truth import Truth
from deploy.report.pair_figures import judge_pairs
from deploy.report.report import share
from deploy.settings.config import Settings

REFRESH_S = 0.5


class DemoView:
    """A live table on a terminal; plain lines where nobody looks at one. A context manager.

    `losses` are the mean losses of the cycles, as the trainer's metrics showed them, by the cycle's last step.
    """

    def __init__(self, evidence: Evidence, truth: Truth, settings: Settings, n_windows: int) -> None:
        self.windows_sent = 0
        self.losses: dict[int, float] = {}
        self._evidence, self._truth, self._settings, self._n_windows = evidence, truth, settings, n_windows
        self._started_s = time.monotonic()
        self._stage = ""
        self._console = Console()
        self._live = Live(console=self._console, get_renderable=self._table, auto_refresh=False, transient=True)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._refresh, name="demo-view", daemon=True)

    def say(self, stage: str) -> None:
        """Names what is being done now."""
        self._stage = stage
        if not self._console.is_terminal:
            self._console.print(f"{time.monotonic() - self._started_s:5.0f} s  {stage}")

    def __enter__(self) -> "DemoView":
        if self._console.is_terminal:
            self._live.start()
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop.set()
        self._thread.join(timeout=5)
        if self._console.is_terminal:
            self._live.stop()

    def _refresh(self) -> None:
        while not self._stop.wait(REFRESH_S):
            shown = scrape(self._settings.runtime.trainer_port)
            n_cycles = int(shown.get("mmbind_train_cycles_total", 0))
            if n_cycles > len(self.losses):
                self.losses[int(shown["mmbind_train_steps_total"])] = shown["mmbind_train_loss"]
            if self._console.is_terminal:
                self._live.refresh()

    def _table(self) -> RenderableType:
        table = Table.grid(padding=(0, 2))
        for name, value in self._rows():
            table.add_row(Text(name, "dim"), value)
        bar = ProgressBar(total=self._n_windows, completed=self.windows_sent, width=60)
        return Group(Text(f"{time.monotonic() - self._started_s:4.0f} s  {self._stage}"), bar, table)

    def _rows(self) -> list[tuple[str, str]]:
        evidence = self._evidence
        bindings = sorted(dict(evidence.bindings).values(), key=lambda one: one.sequence)
        samples = dict(evidence.samples)
        figures = judge_pairs(bindings, samples, self._truth.labels(samples.values()))
        versions = {name: one.version for name, one in dict(evidence.followers).items()}
        decisions = dict(evidence.models.decisions)
        passed = [str(version) for version, decision in decisions.items() if decision.passed]
        step, loss = next(reversed(self.losses.items()), (0, float("nan")))
        return [
            ("windows sent", f"{self.windows_sent:,} of {self._n_windows:,}"),
            ("samples, bindings, pairs", f"{len(samples):,}, {len(bindings):,}, "
             f"{sum(len(one.partners) for one in bindings):,}"),
            ("best partner is right", f"{share(figures.best)}   by chance {share(figures.chance)}"),
            ("training", f"step {step}, loss {share(loss)}"),
            ("models", f"{len(evidence.models.manifests)} published; the gate let pass: {', '.join(passed) or 'none'}"),
            ("running", ", ".join(f"{name}: version {version}" for name, version in versions.items())),
        ]  # fmt: skip
