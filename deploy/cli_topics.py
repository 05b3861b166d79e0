"""`mmbind topics`: make the topics, and compare them with the settings."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from deploy.cli_output import ConfigOption, JsonOption, print_json

if TYPE_CHECKING:
    from kafka.admin import KafkaAdminClient

    from streams.settings import BrokerSettings

app = typer.Typer(no_args_is_help=True, help="The topics: make them, check them.")


@app.command()
def create(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Makes the topics that are missing, and checks all."""
    from deploy.config import load
    from streams.topics import create_topics

    settings = load(config)
    with admin_client(settings.broker) as admin:
        made = create_topics(admin, settings)
    if as_json:
        print_json({"created": made})
    else:
        typer.echo(f"created {', '.join(made)}" if made else "all topics were there already")


@app.command()
def check(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Compares the broker's topics with the settings; exit code 1 if they differ."""
    from deploy.config import load
    from streams.topics import check_topics

    settings = load(config)
    with admin_client(settings.broker) as admin:
        differences = check_topics(admin, settings)
    if as_json:
        print_json({"differences": differences})
    else:
        typer.echo("\n".join(differences) or "all topics are as they should be")
    raise typer.Exit(1 if differences else 0)


@contextmanager
def admin_client(broker: "BrokerSettings") -> Iterator["KafkaAdminClient"]:
    """An admin client, closed afterwards.

    Raises:
        BrokerUnreachable: Saying which step of the connection failed.
    """
    from kafka.admin import KafkaAdminClient

    from streams.connection import client_config, connect_or_explain

    admin = connect_or_explain(lambda: KafkaAdminClient(**client_config(broker)), broker)
    try:
        yield admin
    finally:
        admin.close()
