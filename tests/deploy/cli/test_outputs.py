"""Where commands write, and what they need for it."""

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import deploy.cli.main
from deploy.cli.entrance import main
from deploy.cli.main import app
from deploy.errors import WrongInput

EXAMPLE = Path(__file__).parents[3] / "deploy" / "mmbind.example.toml"


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


@pytest.mark.parametrize(
    "command", [["replay", "watch", "--offline"], ["finetune", "watch", "--labels-per-class", "1"]]
)
def test_a_picture_without_what_draws_it(command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(WrongInput) as error:
        CliRunner().invoke(app, [*command, "--picture", "new.png"], catch_exceptions=False)
    assert str(error.value) == "--picture is 'new.png', which wants pip install 'mmbind-stream[demo]'"


@pytest.mark.parametrize(("package", "extra"), [("matplotlib.figure", "demo"), ("scipy", "demo"), ("faust", "all")])
def test_a_package_that_is_missing_is_named_with_the_extra_that_has_it(
    package: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run() -> None:
        raise ModuleNotFoundError(name=package)

    monkeypatch.setattr(deploy.cli.main, "main", run)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == f"mmbind: the package {package} is missing: pip install 'mmbind-stream[{extra}]'"


@pytest.mark.parametrize("command", ["up", "stream", "train"])
def test_services_name_variables_that_set_nothing(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MMBIND_BROKER_BOOTSTRAP_SERVERS", "kafka-1:9092")
    monkeypatch.setenv("MMBIND_RUNTIME__DATA_DIR", "mmbind.toml/data")  # so that it ends at once
    (tmp_path / "mmbind.toml").write_text(EXAMPLE.read_text())
    said = CliRunner().invoke(app, [command])
    assert (
        "MMBIND_BROKER_BOOTSTRAP_SERVERS is not a setting; did you mean MMBIND_BROKER__BOOTSTRAP_SERVERS?"
        in said.output
    )
