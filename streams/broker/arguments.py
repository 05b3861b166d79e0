"""kafka-python's arguments, as a sensor's program gives them, in the shape of our settings. Performs no I/O.

Without pydantic: with it a sensor's environment would be a tenth larger.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, cast

from kafka import codec

if TYPE_CHECKING:
    from streams.settings import BrokerSettings

CHOICES = {
    "security_protocol": ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"),
    "sasl_mechanism": (None, "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"),
    "compression": (None, "gzip", "snappy", "lz4", "zstd"),
}
_IS_THERE = {"snappy": codec.has_snappy, "lz4": codec.has_lz4, "zstd": codec.has_zstd}


class Password:
    """A password that no repr shows."""

    def __init__(self, text: str) -> None:
        self._text = text

    def get_secret_value(self) -> str:
        """The password."""
        return self._text


@dataclass(frozen=True, slots=True)
class BrokerAccess:
    """What BrokerSettings say, by the same names and with the same defaults; a test compares them.

    Raises:
        ValueError: If a value cannot be; names it and those that can.
    """

    local_port: int = 9092
    bootstrap_servers: str = "127.0.0.1:9092"
    security_protocol: str = "PLAINTEXT"
    ssl_cafile: str | None = None
    ssl_certfile: str | None = None
    ssl_keyfile: str | None = None
    ssl_check_hostname: bool = True
    sasl_mechanism: str | None = None
    sasl_plain_username: str | None = None
    sasl_plain_password: Password | None = None
    compression: str | None = None

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            if (value := getattr(self, name)) not in choices:
                wanted = ", ".join(str(one) for one in choices)
                raise ValueError(f"{name} is {value!r}, wanted one of {wanted}")
        if not self.bootstrap_servers:
            raise ValueError("bootstrap_servers is empty, wanted host:port")


def missing_codec(compression: str | None) -> str:
    """Why nothing can be compressed so, in a sentence; empty where it can."""
    if compression not in _IS_THERE or _IS_THERE[compression]():
        return ""
    return f"compression is {compression!r}, which wants pip install 'mmbind-stream[codecs]'"


def broker_of(bootstrap_servers: str, kafka: Mapping[str, Any]) -> tuple["BrokerSettings", dict[str, Any]]:
    """How the broker is to be reached, and the arguments that say nothing of it.

    Raises:
        ValueError: If an argument cannot be, or a codec is not installed.
    """
    named = {one.name: kafka[one.name] for one in fields(BrokerAccess) if one.name in kafka}
    if isinstance(password := named.get("sasl_plain_password"), str):
        named["sasl_plain_password"] = Password(password)
    broker = BrokerAccess(**{**named, "bootstrap_servers": bootstrap_servers})
    others = {name: value for name, value in kafka.items() if name not in named}
    compression = others.get("compression_type", broker.compression)
    if complaint := missing_codec(compression):
        raise ValueError(complaint)
    return cast("BrokerSettings", broker), others
