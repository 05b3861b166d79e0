"""`mmbind config` and `mmbind doctor`."""

from typing import Annotated, Literal

import typer

from deploy.cli.output import ConfigOption, JsonOption, print_json, print_steps, print_table, tell_unknown_variables

app = typer.Typer(no_args_is_help=True, help="The settings: check them, show them, describe them.")


@app.command()
def check(config: ConfigOption = None) -> None:
    """Says what is wrong with the settings, with the line, or that all is well; looks at what is here, too.

    Device, folders, certificates, and whether checkpoints, models and topics hold windows of other shapes.
    """
    from deploy.machine.check import check_settings
    from deploy.settings.config import find_file, load

    settings = load(config)
    left_out = check_settings(settings)
    names = ", ".join(settings.modalities)
    typer.echo(f"{find_file(config) or 'environment'}: good. Modalities: {names}; shared: {settings.shared_modality}.")
    tell_unknown_variables()
    if left_out:
        typer.echo(f"The topics were not looked at: {left_out.rstrip('.')}")


@app.command()
def show(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Shows every setting and where it came from; passwords are masked."""
    from deploy.settings.config import find_file, leaves, load
    from deploy.settings.origins import origin

    settings = load(config)
    if as_json:
        print_json(settings.model_dump(mode="json"))
        return
    file = find_file(config)
    text = file.read_text(encoding="utf-8") if file else ""
    rows = [(".".join(path), value, origin(path, file, text)) for path, value in leaves(settings).items()]
    print_table("Settings", ("key", "value", "from"), rows)


@app.command()
def schema() -> None:
    """Prints the JSON schema of the settings file."""
    from deploy.settings.config import Settings

    print_json(Settings.model_json_schema())


@app.command()
def example() -> None:
    """Prints settings to begin with, each with its words: `mmbind config example > mmbind.toml`."""
    from deploy.settings.example import example_text

    typer.echo(example_text(), nl=False)


@app.command()
def document(
    kind: Annotated[Literal["settings", "topics", "metrics", "asyncapi"], typer.Argument(help="Of what.")],
    config: ConfigOption = None,
) -> None:
    """Prints a page made from the code: all settings, topics and records, metrics; or an AsyncAPI document."""
    from deploy.documents.asyncapi import asyncapi
    from deploy.documents.metrics_page import metrics_page
    from deploy.documents.settings_page import settings_page
    from deploy.documents.topics_page import topics_page
    from deploy.settings.config import load

    if kind == "asyncapi":
        print_json(asyncapi(load(config)))
    elif kind == "topics":
        typer.echo(topics_page(load(config)), nl=False)
    else:
        typer.echo(settings_page() if kind == "settings" else metrics_page(), nl=False)


def doctor(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Looks at everything that must work, step by step, and says what to do about what does not."""
    from deploy.machine.doctor import examine

    steps = examine(config)
    if as_json:
        found = list(steps)
        print_json([{"name": one.name, "ok": one.ok, "message": one.message} for one in found])
        is_well = all(one.ok for one in found)
    else:
        is_well = print_steps(steps)
    raise typer.Exit(0 if is_well else 1)
