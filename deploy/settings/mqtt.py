"""The table `[mqtt]`: what `mmbind bridge mqtt` reads from, and as whom. Performs no I/O."""

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from streams.section import Section

PORT, TLS_PORT = 1883, 8883


class MqttSettings(Section):
    """The MQTT broker of `mmbind bridge mqtt`; certificates are named as those of the broker of Kafka."""

    address: str | None = Field(None, description="HOST or HOST:PORT; else the bridge is told on its command line")
    topics: tuple[str, ...] = Field((), description="as sensors/{node}/{modality}, or with + and #")
    username: str | None = Field(None, description="where the broker wants one")
    password: SecretStr | None = Field(None, description="better given by the environment")
    tls: bool = Field(False, description="encrypted, and the broker's certificate is checked")
    ssl_cafile: str | None = Field(None, description="PEM file of the authorities to trust; else the system's")
    ssl_certfile: str | None = Field(None, description="PEM certificate of ours, where the broker wants one")
    ssl_keyfile: str | None = Field(None, description="its PEM key, where it is another file")
    ssl_check_hostname: bool = Field(True, description="whether the broker's certificate must be for its name")

    @field_validator("address")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is not None:
            _parts(value)
        return value

    @field_validator("ssl_cafile", "ssl_certfile")
    @classmethod
    def _is_of_use(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and info.data.get("tls") is False:
            raise ValueError("wanted mqtt.tls = true with it: else nothing is encrypted")
        return value

    @property
    def host_and_port(self) -> tuple[str, int] | None:
        """Where the broker is, at MQTT's own port where `address` has none; None without `address`."""
        if self.address is None:
            return None
        host, port = _parts(self.address)
        return host, port or (TLS_PORT if self.tls else PORT)


def _parts(address: str) -> tuple[str, int | None]:
    host, colon, port = address.rpartition(":") if address.count(":") == 1 else (address, "", "")
    if not host or (colon and not (port.isdigit() and 0 < int(port) < 65536)):
        raise ValueError("wanted HOST or HOST:PORT")
    return host, int(port) if colon else None
