"""`mmbind topics`: make the topics, and compare them with the settings."""

import typer

from deploy.cli.output import ConfigOption, JsonOption, print_json

app = typer.Typer(no_args_is_help=True, help="The topics: make them, check them.")


@app.command()
def create(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Makes the topics that are missing, checks all, and tells clients which modalities there are."""
    from deploy.settings.config import load
    from deploy.topics.installation import install_topics

    made, told = install_topics(load(config))
    if as_json:
        print_json({"created": made, "modalities": told})
        return
    typer.echo(f"created {', '.join(made)}" if made else "all topics were there already")
    if told:
        typer.echo(f"clients are told anew of {', '.join(told)}")


@app.command()
def check(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Compares the broker's topics with the settings; exit code 1 if they differ."""
    from deploy.settings.config import load
    from deploy.topics.installation import installation_differences

    differences = installation_differences(load(config))
    if as_json:
        print_json({"differences": differences})
    else:
        typer.echo("\n".join(differences) or "all topics are as they should be")
    raise typer.Exit(1 if differences else 0)
