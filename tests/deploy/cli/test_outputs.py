"""Where commands write."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.cli.main import app
from deploy.errors import WrongInput


@pytest.mark.parametrize(
    ("command", "option", "what"),
    [
        (["demo", "--folder"], "--folder", "folder"),
        (["simulate", "--folder"], "--folder", "folder"),
        (["replay", "watch", "--offline", "--report"], "--report", "file"),
        (["replay", "watch", "--offline", "--picture"], "--picture", "file"),
        (["replay", "watch", "--offline", "--keep"], "--keep", "folder"),
        (["embed", "watch", "--out"], "--out", "file"),
        (["finetune", "watch", "--labels-per-class", "1", "--report"], "--report", "file"),
        (["finetune", "watch", "--labels-per-class", "1", "--picture"], "--picture", "file"),
        (["finetune", "watch", "--labels-per-class", "1", "--out"], "--out", "folder"),
        (["import", "there.csv", "--out"], "--out", "file"),
        (["record"], "file", "file"),
        (["labels", "spread", "--out"], "--out", "file"),
        (["models", "export", "1", "--out"], "--out", "folder"),
    ],
)
def test_what_cannot_be_written_is_said_before_the_work(
    command: list[str], option: str, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.csv").touch()
    with pytest.raises(WrongInput) as error:
        CliRunner().invoke(app, [*command, "there.csv/new"], catch_exceptions=False)
    assert str(error.value) == (
        f"{option} is 'there.csv/new', wanted a {what} that can be written: {tmp_path}/there.csv is no folder"
    )
