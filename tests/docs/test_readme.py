"""Runs what README.md tells people to run, on a broker, worker and trainer that its own `mmbind up` started."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from deploy.machine.brokers import free_port
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS: list[tuple[str, str]] = re.findall(r"^```(console|python)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
# The walk of the first hour is one block, and is run as one.
((_, WALK),) = (block for block in BLOCKS if "mmbind simulate" in block[1])
COMMANDS = [line for kind, text in BLOCKS if kind == "console" and text != WALK for line in text.splitlines() if line]
PROGRAMS = [text for kind, text in BLOCKS if kind == "python"]
WAIT_S = 120.0
# So little training that a version is there in seconds, and few of them, and a gate that lets them pass.
QUICK = {
    "TRAINER__CYCLE_BINDINGS": "256",
    "TRAINER__STEPS_PER_CYCLE": "20",
    "TRAINER__GATE__CHANCE_DEVIATIONS": "0",
    "TRAINER__GATE__MIN_EFFECTIVE_RANK": "1",
    "TRAINER__GATE__MAX_MEAN_COSINE": "1",
    "TRAINER__GATE__RETRIEVAL_ERRORS": "1000000",
}


def commands(start: str) -> list[str]:
    found = [line for line in COMMANDS if line.startswith(start)]
    assert found, f"README.md has no command that starts with {start!r}"
    return found


def program(word: str) -> str:
    (found,) = (text for text in PROGRAMS if word in text)
    return found


@dataclass(frozen=True)
class Machine:
    """A folder as README.md leaves it, and the broker that `up` started there."""

    folder: Path
    bootstrap_servers: str
    environment: dict[str, str]

    def run(self, command: str, timeout_s: float = WAIT_S) -> str:
        done = subprocess.run(
            ["bash", "-ec", self.here(command)],
            cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=timeout_s, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def run_python(self, text: str) -> None:
        (self.folder / "program.py").write_text(self.here(text))
        self.run(f"{sys.executable} program.py")

    def here(self, text: str) -> str:
        """What people type, with this machine's ports and environment."""
        for told, ours in (
            (".venv/bin/mmbind", f"{sys.executable} -m deploy.cli"),
            ("python3 ", f"{sys.executable} "),
            ("simulate --for 60s", "simulate --for 15s --speed 20"),
            ("127.0.0.1:9092", self.bootstrap_servers),
            ("127.0.0.1:9464", f"127.0.0.1:{self.environment['MMBIND_RUNTIME__STREAM_PORT']}"),
            ("127.0.0.1:9465", f"127.0.0.1:{self.environment['MMBIND_RUNTIME__TRAINER_PORT']}"),
        ):
            text = text.replace(told, ours)
        return text

    def wait(self, is_so: Callable[[], bool], what: str) -> None:
        wait_until(is_so, WAIT_S, told=lambda: f"{what}\n{self.logs()}", every_s=0.3)

    def logs(self) -> str:
        return "\n".join(file.read_text()[-2000:] for file in (self.folder / "mmbind-data" / "logs").glob("*.log"))


def environment() -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("MMBIND_", "KAFKA_HOME"))}
    if shutil.which("kcat") and os.environ.get("KAFKA_HOME"):
        own["KAFKA_HOME"] = os.environ["KAFKA_HOME"]
    ports = dict.fromkeys(("RUNTIME__STREAM_PORT", "RUNTIME__TRAINER_PORT", "BROKER__LOCAL_PORT"))
    settings = {f"MMBIND_{name}": value or str(free_port()) for name, value in {**QUICK, **ports}.items()}
    return {**own, **settings, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    folder, settings = tmp_path_factory.mktemp("readme"), environment()
    before = Machine(folder, "", settings)
    (start,) = commands(".venv/bin/mmbind up")
    out = folder / "up.txt"
    try:
        with out.open("wb") as output:
            up = subprocess.Popen(before.here(start).split(), cwd=folder, env=settings, stdout=output, stderr=output)
            before.wait(lambda: "Ctrl-C ends all" in out.read_text() or up.poll() is not None, "`mmbind up` says so")
        assert "no settings here: wrote mmbind.toml" in out.read_text()
        found = re.search(r"on (127\.0\.0\.1:\d+)", out.read_text())
        assert found, out.read_text()
        yield Machine(folder, found[1], settings)
    finally:
        up.send_signal(signal.SIGINT)
        code = up.wait(60)
    assert code == 0, out.read_text()


def test_make_has_what_the_readme_names() -> None:
    for command in commands("make "):
        subprocess.run([*command.split(), "--dry-run"], cwd=ROOT, check=True, capture_output=True)


def test_every_command_is_run_here() -> None:
    run_here = tuple(re.findall(r'commands\("([^"]+)"\)', Path(__file__).read_text()))
    assert [command for command in COMMANDS if not command.startswith(run_here)] == []


def test_links_into_the_code_lead_somewhere() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]
    assert [link for link in links if not (ROOT / link).exists()] == []
    assert "streams/pipeline.py" in links


def test_the_scraped_ports_are_the_default_ones() -> None:
    from streams.settings import RuntimeSettings

    scraped = re.findall(r"127\.0\.0\.1:(\d+)", (ROOT / "deploy" / "prometheus.yml").read_text())
    runtime = RuntimeSettings()
    assert scraped == [str(getattr(runtime, f"{one}_port")) for one in ("stream", "trainer", "embedder", "bridge")]


def test_the_first_hour_is_walked(machine: Machine) -> None:
    assert [machine.run(command) for command in commands(".venv/bin/mmbind config check")]
    simulate, pairs, models, embed, spread = WALK.splitlines()
    said = machine.run(simulate, timeout_s=300)
    figures = re.search(r"right: (\S+) of \S+ samples in their last round, \S+ when they came, (\S+) by chance", said)
    assert figures and float(figures[1]) > 3 * float(figures[2]), said
    assert machine.run(pairs).count("\n") == 5
    machine.wait(lambda: "stable -> " in machine.run(models), "a version passes")
    machine.run(embed)
    with np.load(machine.folder / "vectors.npz") as found:
        assert np.linalg.norm(found["embedding"], axis=1) == pytest.approx(1, abs=1e-4)
    assert "16 labels were given" in machine.run(spread)
    with (machine.folder / "simulated" / "labelled.csv").open() as opened:
        assert sum("activity-" in line for line in opened) > 100


def test_windows_are_sent_from_python_from_kafka_python_and_from_a_shell(machine: Machine) -> None:
    machine.run_python(program("SensorClient"))
    machine.run_python(program("WindowProducer"))
    machine.run_python(program("KafkaProducer"))
    for command in (*commands("python3 -c"), *commands(".venv/bin/mmbind send")):
        machine.run(command)

    def all_nodes_are_there() -> bool:
        shown = machine.run(".venv/bin/mmbind tail samples --all")
        return all(node in shown for node in ("node-6", "node-7", "node-8", "node-9"))

    machine.wait(all_nodes_are_there, "each window is a sample")


def test_kcat_sends_a_window(machine: Machine) -> None:
    if not shutil.which("kcat"):
        pytest.skip("kcat is not installed")
    if "KAFKA_HOME" not in machine.environment:
        pytest.skip("KAFKA_HOME is not set, and kcat cannot talk to the embedded broker")
    for command in commands("kcat "):
        machine.run(command)
    shown = machine.run(".venv/bin/mmbind tail windows.gravity --all")
    assert shown.count("node-9") == 2


def test_what_kcat_would_send_a_second_time_is_refused_with_its_reason(machine: Machine) -> None:
    for command in commands(".venv/bin/mmbind send"):
        machine.run(command)
    (tail,) = commands(".venv/bin/mmbind tail rejects")
    assert "duplicate  mmbind.windows.gravity[" in machine.run(tail)


def test_replayed_recordings_become_pairs_and_models_to_watch_and_to_take(machine: Machine) -> None:
    (online,) = (command for command in commands(".venv/bin/mmbind replay") if "--offline" not in command)
    machine.run(online)
    pairs = commands(".venv/bin/mmbind tail")[0]
    machine.wait(lambda: machine.run(pairs).count("\n") == 5, "pairs come")

    def versions() -> list[object]:
        return list(json.loads(machine.run(".venv/bin/mmbind models list --json"))["versions"])

    # A command each time it is asked takes the processor from the trainer: first there must be one to be announced.
    registry = machine.folder / "mmbind-data" / "models"
    machine.wait(lambda: any(registry.glob("v*/manifest.json")), "a version is in the registry")
    machine.wait(lambda: bool(versions()), "a version is published")
    (top,) = commands(".venv/bin/mmbind top")
    assert re.search(r"of \d\d nodes", machine.run(top))
    listing, showing = commands(".venv/bin/mmbind models")
    assert "version" in machine.run(listing)
    assert "linear-acceleration" in machine.run(showing)
    metrics, ready = (machine.run(command) for command in commands("curl "))
    assert "mmbind_windows_total" in metrics
    assert json.loads(ready) == {"ok": True, "reasons": []}
    machine.run_python(program("ModelFollower") + "\n    assert (embeddings.shape, len(features)) == ((8, 64), 8)\n")
    (followers,) = commands(".venv/bin/mmbind followers")
    assert "stable" in machine.run(followers)
    for command in (*commands(".venv/bin/mmbind embed"), *commands(".venv/bin/mmbind finetune")):
        machine.run(command)
    assert json.loads((machine.folder / "finetune.json").read_text())["n_test"] > 100
    assert (machine.folder / "finetune.png").read_bytes().startswith(b"\x89PNG")


def test_few_labels_reach_all_samples(machine: Machine) -> None:
    (written,) = re.findall(r"^```csv\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    (machine.folder / "labels.csv").write_text(written)
    spread, send, serve = commands(".venv/bin/mmbind labels")
    assert "25 labels were given" in machine.run(spread)
    assert (machine.folder / "labelled.csv").read_text().count("row") > 10
    assert "sent 3 labels" in machine.run(send)
    machine.run(f"timeout -s INT 25 {serve} || true")
    (tail,) = (command for command in commands(".venv/bin/mmbind tail") if "labelled" in command)
    assert machine.run(tail).count("\n") == 5


def test_all_is_accounted_for_and_a_source_is_forgotten(machine: Machine) -> None:
    (audit,) = commands(".venv/bin/mmbind audit")
    assert "it balances" in machine.run(audit)
    listing, replaying = commands(".venv/bin/mmbind rejects")
    assert "duplicate" in machine.run(listing)
    assert "0 would be sent" in machine.run(replaying)
    sources, forget = commands(".venv/bin/mmbind sources")
    assert "node-9" in machine.run(sources)
    assert "node-9 is forgotten" in machine.run(forget)


def test_recordings_go_through_the_core_without_a_broker(machine: Machine) -> None:
    (offline,) = (command for command in commands(".venv/bin/mmbind replay") if "--offline" in command)
    machine.run(offline, timeout_s=300)
    report = json.loads((machine.folder / "report.json").read_text())
    assert report["pair_precision"] > 3 * report["chance_precision"]
    assert (machine.folder / "report.png").read_bytes().startswith(b"\x89PNG")
