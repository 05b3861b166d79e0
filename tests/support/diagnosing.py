"""What a diagnosis says of a broker on this machine."""

from streams.broker.connection import (
    diagnose,
)
from streams.settings import BrokerSettings


def failed(settings: BrokerSettings, group_id: str | None = None) -> tuple[str, str]:
    """Name and message of the step that failed; those before it must be well."""
    steps = diagnose(settings, group_id)
    assert [step.ok for step in steps[:-1]] == [True] * (len(steps) - 1)
    assert not steps[-1].ok
    return steps[-1].name, steps[-1].message


def plain(port: int, **more: object) -> BrokerSettings:
    """A broker on this port without TLS or a password, but for `more`."""
    return BrokerSettings.model_validate({"bootstrap_servers": f"127.0.0.1:{port}", **more})
