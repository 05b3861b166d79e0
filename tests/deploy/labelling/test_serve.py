"""Labels of a few samples in, labels of all samples out, through a real broker."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path

from typer.testing import CliRunner

from deploy.cli.main import app
from deploy.machine.brokers import Broker, EmbeddedBroker
from streams.binder import Binder
from streams.broker.log import read_all
from streams.messages.codec import encode_batch
from streams.messages.message import Message
from streams.records import Label, Sample, SampleLabel
from streams.testing import SyntheticWorld
from tests.support.labelling import send, serving
from tests.support.workers import Farm

WORLD = SyntheticWorld(n_sources=6, n_classes=3)
SAMPLES = list(WORLD.samples(20))


def filled(broker: Broker, folder: Path, prefix: str) -> Farm:
    """Topics with samples and their Bindings, as a worker would have left them, and a label a class for three nodes."""
    farm = Farm(broker, WORLD, folder, prefix)
    binder = Binder(farm.settings)
    bindings = [*binder.observe(SAMPLES), *binder.review()]
    send(farm, farm.names.samples, [encode_batch(SAMPLES[start : start + 10]) for start in range(0, len(SAMPLES), 10)])
    send(farm, farm.names.pairs, [encode_batch(bindings)])
    (folder / "labels.csv").write_text(
        "sample_id,label\n" + "".join(f"{one.sample_id}, class {one.label}\n" for one in given())
    )
    return farm


def given() -> list[Sample]:
    own = [one for one in SAMPLES if one.source_id in WORLD.sources[::2]]
    return [one for label in range(3) for one in [each for each in own if each.label == label][:3]]


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open() as opened:
        return list(csv.DictReader(opened))


def run(farm: Farm, *arguments: str) -> str:
    result = CliRunner().invoke(app, ["labels", *arguments, "--config", str(farm.folder / "mmbind.toml")])
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


def told(farm: Farm) -> list[SampleLabel]:
    messages: list[Message] = read_all(farm.broker, farm.names.labelled)
    return [one for message in messages for one in message.decoded(SampleLabel)[0]]


def share_right(labels: Mapping[str, Label | None]) -> float:
    return sum(labels.get(one.sample_id) == f"class {one.label}" for one in SAMPLES) / len(SAMPLES)


def test_labels_travel_live_and_a_wrong_one_goes_to_rejects_once(
    any_broker: Broker, tmp_path: Path, prefix: str
) -> None:
    with filled(any_broker, tmp_path, prefix) as farm:
        service = serving(farm)
        assert run(farm, "send", str(tmp_path / "labels.csv")) == "sent 9 labels\n"
        wrong = [b"nonsense", json.dumps({"source_id": "node-00", "start_ns": 5, "end_ns": 5, "label": "x"}).encode()]
        send(farm, farm.names.labels, wrong)
        farm.wait(lambda: len({one.sample_id for one in told(farm)}) == len(SAMPLES))
        farm.wait(lambda: len(farm.rejects()) == 2)
        farm.wait(lambda: share_right({one.sample_id: one.label for one in told(farm)}) > 0.85)
        reasons = [dict(one.headers)["mmbind.reject.detail"].decode() for one in farm.rejects()]
        assert any("end_ns: time: 5, wanted later than start_ns, 5" in one for one in reasons)
        assert {one.sample_id for one in told(farm) if one.given} == {one.sample_id for one in given()}
        assert service.stop() == 0

        before = len(told(farm))
        again = serving(farm)
        farm.wait(lambda: "told 0 labels" in again.log_file.read_text())
        assert (len(told(farm)), len(farm.rejects())) == (before, 2), "what was told or refused is not written again"
        taken = SAMPLES[1].sample_id
        send(farm, farm.names.labels, [json.dumps({"sample_id": taken, "label": "new"}).encode()])
        farm.wait(lambda: any(one.sample_id == taken and one.label == "new" and one.given for one in told(farm)))
        assert again.stop() == 0


def test_labels_of_a_file_or_of_the_topic_are_spread_once(
    embedded_broker: EmbeddedBroker, tmp_path: Path, prefix: str
) -> None:
    with filled(embedded_broker, tmp_path, prefix) as farm:
        out = tmp_path / "labelled.csv"
        said = run(farm, "spread", str(tmp_path / "labels.csv"), "--out", str(out))
        assert said.startswith("120 samples: 9 labels were given, 111 follow")
        rows = rows_of(out)
        assert [row["sample_id"] for row in rows] == [one.sample_id for one in SAMPLES]
        assert share_right({row["sample_id"]: row["label"] for row in rows}) > 0.85
        assert rows[0]["start"] == "2023-11-14T22:13:20.000Z"
        assert {row["probability"] for row in rows if row["given"]} == {"1.0000"}

        nothing = CliRunner().invoke(app, ["labels", "spread", "--config", str(tmp_path / "mmbind.toml")])
        assert "none of the 0 labels of" in str(nothing.exception)
        run(farm, "send", str(tmp_path / "labels.csv"))
        run(farm, "spread", "--out", str(tmp_path / "again.csv"), "--min-probability", "1")
        again = rows_of(tmp_path / "again.csv")
        assert {row["label"] for row in again if not row["given"]} == {"not known"}
        assert [row["label"] for row in again if row["given"]] == [row["label"] for row in rows if row["given"]]
