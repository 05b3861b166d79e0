"""`mmbind bridge`: sensors that speak another protocol."""

import os
import threading
from typing import Annotated

import typer

from deploy.cli.output import ConfigOption

app = typer.Typer(no_args_is_help=True, help="Sensors that speak another protocol than Kafka's.")


@app.callback()
def bridge() -> None:
    """Keeps `mqtt` a command of its own."""


@app.command()
def mqtt(
    host: Annotated[str, typer.Argument(metavar="HOST[:PORT]", help="The MQTT broker.")],
    topic: Annotated[
        list[str],
        typer.Option("--topic", help="As sensors/{node}/{modality}, or with + and #. Repeatable."),
    ],
    username: Annotated[
        str | None, typer.Option("--username", help="The password: MMBIND_MQTT_PASSWORD.", show_default=False)
    ] = None,
    tls: Annotated[bool, typer.Option("--tls", help="Encrypted; the broker's certificate is checked.")] = False,
    cafile: Annotated[
        str | None, typer.Option("--cafile", help="Who may have signed it; else the system's.", show_default=False)
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Takes samples from an MQTT broker (SenML, Telegraf's JSON, plain JSON), cuts windows and sends them."""
    from deploy.bridges.mqtt import MqttBroker, address, run_bridge
    from deploy.bridges.topic_pattern import TopicPattern
    from deploy.machine.logs import set_up_logging
    from deploy.settings.config import load
    from streams.service.lifecycle import stopped_by_signals

    settings = load(config)
    patterns = [TopicPattern(one) for one in topic]
    # Not a setting: settings that it does not know are refused by name, and this is nobody else's.
    password = os.environ.get("MMBIND_MQTT_PASSWORD")
    broker = MqttBroker(*address(host, tls), username, password, tls, cafile)
    set_up_logging(settings.runtime.log_format)
    with stopped_by_signals(threading.Event()) as stop:
        run_bridge(settings, broker, patterns, stop)
