"""`mmbind followers`: who runs which version, and how it does there."""

import time

import typer

from deploy.cli.output import ConfigOption, JsonOption, print_json, print_table
from deploy.printable import printable

app = typer.Typer(no_args_is_help=True, help="The followers: who runs which version, and how it does there.")


@app.command("list")
def list_followers(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Lists what each follower said last: its version and the one it tries, calls, errors and ms a call.

    It is behind where its channel points at another version, and silent where it said nothing for three minutes.
    """
    from deploy.followers.reading import read_reports
    from deploy.followers.standing import COLUMNS, standings, table_rows
    from deploy.settings.config import load
    from deploy.topics.models_view import read_view

    settings = load(config)
    view = read_view(settings)
    now_ns = time.time_ns()
    found = standings(read_reports(settings), view, now_ns)
    if as_json:
        print_json({"channels": view.channels, "followers": [one.told() for one in found]})
        return
    channels = ", ".join(f"{name} -> {version}" for name, version in view.channels.items()) or "none"
    rows = [[printable(cell) for cell in row] for row in table_rows(found, now_ns)]
    print_table(f"Followers (channels: {channels})", COLUMNS, rows, flexible="follower")
    for one in found:
        if one.report.last_error:
            typer.echo(f"{printable(one.report.follower_id)}: {printable(one.report.last_error)}")
