"""What `models list`, `models show` and `followers list` look like to a person, and to who has no broker."""

import json
import time
from pathlib import Path

import msgspec
import pytest
from click import unstyle
from kafka import KafkaProducer
from typer.testing import CliRunner, Result

from deploy.cli.main import app
from deploy.machine.brokers import EmbeddedBroker
from encoders.errors import MmbindError
from streams.broker.connection import producer_config
from streams.models.channels import decision_record
from streams.records import Decision, FollowerReport, VersionUse
from tests.support.desk import Desk

WIDTH = 80
CONFIG = """
shared_modality = "gravity"
[modalities.gravity]
n_channels = 3
n_steps = 32
rate_hz = 50
"""
REASON = (
    "no modality has collapsed; retrieval of accelerometer from gyroscope is 0.412, at chance it would be 0.051; "
    "better than the best so far by 0.031, which is 2.4 standard errors; not judged: too few samples of magnetometer"
)


@pytest.fixture
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of 80 columns."""
    for name, value in {"FORCE_COLOR": "1", "COLUMNS": str(WIDTH)}.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def desk(
    embedded_broker: EmbeddedBroker, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, _terminal: None
) -> Desk:
    made = Desk(embedded_broker, prefix, tmp_path / "models")
    (tmp_path / "mmbind.toml").write_text(CONFIG)
    for name, value in {
        "MMBIND_BROKER__BOOTSTRAP_SERVERS": embedded_broker.bootstrap_servers,
        "MMBIND_TOPICS__PREFIX": prefix,
        "MMBIND_REGISTRY__ROOT": str(tmp_path / "models"),
        "MMBIND_CONFIG": str(tmp_path / "mmbind.toml"),
    }.items():
        monkeypatch.setenv(name, value)
    return made


def done(*command: str) -> Result:
    result = CliRunner().invoke(app, list(command), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def shown(*command: str) -> str:
    text = unstyle(done(*command).stdout)
    print(text)
    assert max(map(len, text.splitlines())) <= WIDTH, text
    return text


def is_whole(word: str, text: str) -> bool:
    return word in text.split()


def test_versions_and_moves_fit_a_terminal_and_no_word_is_cut(desk: Desk) -> None:
    desk.models.append(decision_record(Decision(version=4, passed=True, reason=REASON)))
    desk.operator("anna@edge-gateway-in-the-hall.example.org", REASON).promote("stable", 4)
    desk.operator("ben@here", "a fair until Sunday", force=True).pin("stable", 2)
    text = shown("models", "list")
    for word in ("accelerometer", "retrieval", "passed", "failed", "pinned", "Sunday", "ben@here"):
        assert is_whole(word, text), word
    assert "magnetometer" not in text and "anna@edge-gatew…" in text
    assert "0 s" in text or "1 s" in text or "min" in text
    whole = " ".join(unstyle(done("models", "show", "4").stdout).split())
    assert REASON[-12:] in whole and "anna@edge-gateway-in-the-hall.example.org" in whole.replace(" ", "")
    told = shown("models", "show", "stable")
    assert told.index("gate") < told.index("moved stable") < told.index("modality, shared")
    for words in ("gravity: windows [32, 3] at 50 Hz", "embedding", "8 numbers", "v2/gravity.safetensors", "sha256"):
        assert words in " ".join(told.split()), words
    assert "{" not in told and "(" not in told.replace("(--json)", ""), "no raw structures"


def test_followers_fit_a_terminal(desk: Desk) -> None:
    now_ns = time.time_ns()
    use = VersionUse(version=1, since_ns=now_ns - 3 * 3600 * 10**9, calls=1_234_567, errors=123, embed_s=5e3)
    tried = VersionUse(version=12, since_ns=now_ns - 600 * 10**9, calls=1234, errors=0, embed_s=5.0)
    name = "edge-gateway-in-the-hall.example.org-12345"
    with_producer = KafkaProducer(**producer_config(desk.settings.broker))
    for one in (
        FollowerReport(follower_id=name, version=1, at_ns=now_ns, use=use, trial=tried, agreement=0.91),
        FollowerReport(follower_id="node-7", version=1, at_ns=now_ns - 10**12, use=use),
    ):
        topic, key = f"{desk.settings.topics.prefix}followers", one.follower_id.encode()
        with_producer.send(topic, key=key, value=msgspec.json.encode(one)).get(10)
    with_producer.close()
    text = shown("followers", "list")
    row, trial, other = text.splitlines()[-3:]
    assert row.split()[0].startswith("edge-gateway") and row.split()[0].endswith("…")
    assert row.split()[1:] == ["stable", "1", "3", "h", "1234567", "123", "4.1", "well"]
    assert trial.split() == ["on", "trial", "12", "10", "min", "1234", "0", "4.1", "agrees", "0.91"]
    assert other.split()[0] == "node-7" and other.split()[-3:] == ["silent", "16", "min"]


def test_without_a_broker_versions_are_listed_from_the_registry(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMBIND_BROKER__BOOTSTRAP_SERVERS", "127.0.0.1:9")
    (desk.folder / "v3" / "manifest.json").write_text("nonsense")
    assert "unknown" in shown("models", "list")
    said = done("models", "list", "--json")
    assert said.stderr.startswith("mmbind: the broker 127.0.0.1:9 cannot be used: versions from the registry, channels")
    told = json.loads(said.stdout)
    assert (told["source"], told["channels"], told["moves"]) == ("registry", None, None)
    assert [(one["version"], one["gate"]) for one in told["versions"]] == [(number, None) for number in (1, 2, 4, 5)]
    monkeypatch.setenv("MMBIND_REGISTRY__ROOT", str(desk.folder / "nowhere"))
    with pytest.raises(MmbindError, match=r"127\.0\.0\.1:9"):
        done("models", "list")
