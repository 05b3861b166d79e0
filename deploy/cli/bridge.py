"""`mmbind bridge`: sensors that speak another protocol."""

from typing import Annotated, Any

import typer

from deploy.cli.output import ConfigOption

app = typer.Typer(no_args_is_help=True, help="Sensors that speak another protocol than Kafka's.")


@app.callback()
def bridge() -> None:
    """Keeps `mqtt` a command of its own."""


@app.command()
def mqtt(
    address: Annotated[
        str | None,
        typer.Argument(metavar="[HOST[:PORT]]", help="The MQTT broker; else mqtt.address.", show_default=False),
    ] = None,
    topic: Annotated[
        list[str] | None,
        typer.Option(
            "--topic",
            help="As sensors/{node}/{modality}, or with + and #; else mqtt.topics. Repeatable.",
            show_default=False,
        ),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Takes samples from an MQTT broker (SenML, Telegraf's JSON, plain JSON), cuts windows and sends them.

    TLS, user and password: settings, section mqtt.
    """  # fmt: skip
    from deploy.bridges.mqtt import MqttBridge
    from deploy.machine.logs import set_up_logging
    from deploy.settings.config import load
    from streams.service.lifecycle import stopped_by_signals

    said: dict[str, Any] = {name: value for name, value in (("address", address), ("topics", topic)) if value}
    settings = load(config, mqtt=said)
    running = MqttBridge(settings)
    set_up_logging(settings.runtime.log_format)
    with stopped_by_signals(running.stop):
        running.run()
