"""kafka-python's arguments, as a sensor's program gives them, as our settings. Performs no I/O."""

from collections.abc import Mapping
from typing import Any

from kafka import codec

from streams.settings import BrokerSettings

_IS_THERE = {"snappy": codec.has_snappy, "lz4": codec.has_lz4, "zstd": codec.has_zstd}


def broker_of(bootstrap_servers: str, kafka: Mapping[str, Any]) -> tuple[BrokerSettings, dict[str, Any]]:
    """How the broker is to be reached, and the arguments that say nothing of it.

    Raises:
        ValueError: If an argument cannot be, or a codec is not installed.
    """
    named = {name: kafka[name] for name in BrokerSettings.model_fields if name in kafka}
    broker = BrokerSettings.model_validate({"bootstrap_servers": bootstrap_servers, **named})
    others = {name: value for name, value in kafka.items() if name not in named}
    compression = others.get("compression_type", broker.compression)
    if compression in _IS_THERE and not _IS_THERE[compression]():
        raise ValueError(f"compression is {compression!r}, which wants pip install 'mmbind-stream[codecs]'")
    return broker, others
