"""The certificates of an encrypted connection, to whatever broker."""

import ssl
from pathlib import Path
from typing import Protocol

PEM_FILES = {"ssl_cafile": "authorities", "ssl_certfile": "our certificate", "ssl_keyfile": "its key"}


class Certificates(Protocol):
    """What settings say of the certificates of a connection."""

    @property
    def ssl_cafile(self) -> str | None:
        """Of the authorities to trust."""

    @property
    def ssl_certfile(self) -> str | None:
        """Ours."""

    @property
    def ssl_keyfile(self) -> str | None:
        """Its key."""

    @property
    def ssl_check_hostname(self) -> bool:
        """Whether the broker's must be for its name."""


def tls_context(said: Certificates, section: str) -> ssl.SSLContext:
    """A TLS context with the certificates of a section of the settings; at least TLS 1.2.

    Raises:
        ValueError: If a certificate or key file cannot be used; names the setting.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = said.ssl_check_hostname
    _require_readable(said, section)
    try:
        if said.ssl_cafile:
            context.load_verify_locations(said.ssl_cafile)
        else:
            context.load_default_certs()
    except OSError as error:
        raise ValueError(
            f"{section}.ssl_cafile is {said.ssl_cafile!r}, wanted a PEM file of authorities: no certificate is in it"
        ) from error
    if said.ssl_certfile:
        try:
            context.load_cert_chain(said.ssl_certfile, said.ssl_keyfile, password=_refuse_encrypted)
        except OSError as error:
            key = f" and {section}.ssl_keyfile {said.ssl_keyfile!r}" if said.ssl_keyfile else ""
            why = "they are none, or not of one another" if isinstance(error, ssl.SSLError) else str(error)
            raise ValueError(
                f"{section}.ssl_certfile is {said.ssl_certfile!r}{key}, wanted a PEM certificate and its key: {why}"
            ) from error
    return context


def _require_readable(said: Certificates, section: str) -> None:
    """OpenSSL does not say which of its files it cannot read."""
    if said.ssl_keyfile and not said.ssl_certfile:
        raise ValueError(f"{section}.ssl_keyfile is {said.ssl_keyfile!r}, wanted {section}.ssl_certfile too")
    for name, what in PEM_FILES.items():
        if file := getattr(said, name):
            try:
                Path(file).read_bytes()
            except OSError as error:
                raise ValueError(
                    f"{section}.{name} is {file!r}, wanted a PEM file of {what}: {error.strerror}"
                ) from error


def _refuse_encrypted() -> str:
    """Asked for the password of a key; without us OpenSSL would ask on the terminal, and a service would wait there."""
    raise OSError("the key is encrypted, wanted one without a password")
