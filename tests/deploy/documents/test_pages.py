"""Pages that are made from the code: what lies in the folder of pages is what the code says now."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.cli.main import app
from deploy.documents.metrics_page import metrics_page
from deploy.documents.settings_page import settings_page
from deploy.settings.config import leaves, load

ROOT = Path(__file__).parents[3]
PAGES = ROOT / "deploy" / "docs"
EXAMPLE = ROOT / "deploy" / "mmbind.example.toml"


@pytest.mark.parametrize("file", ["settings.md", "topics.md", "metrics.md", "asyncapi.json"])
def test_a_page_is_what_the_command_makes_now(file: str) -> None:
    kind = file.partition(".")[0]
    done = CliRunner().invoke(app, ["config", "document", kind, "--config", str(EXAMPLE)])
    assert done.exit_code == 0, done.output
    remake = f"mmbind config document {kind} --config deploy/mmbind.example.toml > deploy/docs/{file}"
    there, now = (PAGES / file).read_text(), done.output
    if file.endswith(".json"):
        assert json.loads(there) == json.loads(now), remake
    else:
        assert there == now, remake


def test_every_setting_stands_on_its_page_once_with_its_words() -> None:
    page = settings_page()
    paths = {
        path if path[0] != "modalities" else ("modalities", "&lt;name>", path[2])
        for path, _ in leaves(load(EXAMPLE)).items()
    }
    for path in paths:
        name = ".".join(path).replace("&lt;", "<")
        assert page.count(f"| `{name}` |") == 1, name
    assert "| `shared_modality` | to be set |" in page
    assert "| `trainer.rollout.canary` | `0.0` | share of the followers that try it; 0: all follow at once |" in page


def test_metrics_have_their_exposed_names_and_labels() -> None:
    page = metrics_page()
    worker, trainer = page.split("## Trainer")
    assert "| `mmbind_rejects_total` | counter | reason |" in worker
    assert "| `mmbind_trial_version` | gauge |" in trainer
    assert "process_" not in page.split("## Worker")[1]
