"""Which step of a connection to the broker fails, said so that a person can act on it.

The clients say "Unable to bootstrap" whatever is wrong. This walks the same way by itself: name, port, TLS, protocol,
password, metadata, advertised addresses, rights.
"""

import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kafka.errors import IllegalSaslStateError, KafkaError, SaslAuthenticationFailedError, for_code

from streams.broker.protocol import ClosedError, TlsError, Wire

if TYPE_CHECKING:  # a sensor's program has no pydantic
    from streams.settings import BrokerSettings

TIMEOUT_S = 5.0  # how long a silent network is given, each time
MAX_PORT = 65_535
# A name, an IPv4 address, or an IPv6 address in brackets; and a port.
ADDRESS = re.compile(r"(?:[^\s:/@\[\]]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})")
DEFAULT_PORT = 9092
# OpenSSL's X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH.
NAME_MISMATCHES = (62, 64)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a connection: `message` says what was found, and on failure what to do."""

    name: str
    ok: bool
    message: str


class _StepError(Exception):
    """Ends the walk; the message is for a person."""


def probe(broker: "BrokerSettings", context: ssl.SSLContext | None, group_id: str | None = None) -> list[Step]:
    """The steps of a connection in their order, the last one failed or all of them ok.

    With several bootstrap servers one that can be used is enough: then only its steps are returned, else those of all.

    Args:
        context: What `connection.ssl_context(broker)` gives.
        group_id: A consumer group that is looked at: whether it may be used.
    """
    if complaint := incomplete(broker):
        return [Step("settings", False, complaint)]
    tried = []
    for address in broker.bootstrap_servers.split(","):
        steps: list[Step] = []
        walk = _walk(broker, context, address.strip(), group_id)
        while True:
            try:
                steps.append(next(walk))
            except StopIteration:
                return steps
            except _StepError as failure:
                name, message = failure.args
                steps.append(Step(name, False, message))
                break
        tried += steps
    return tried


def incomplete(broker: "BrokerSettings") -> str:
    """Which settings a password needs beside those that are there, in a sentence; empty where none is missing."""
    if not broker.security_protocol.startswith("SASL"):
        return ""
    missing = [
        f"broker.{name}"
        for name in ("sasl_mechanism", "sasl_plain_username", "sasl_plain_password")
        if not getattr(broker, name)
    ]
    return f"broker.security_protocol is {broker.security_protocol}: set {', '.join(missing)} too" if missing else ""


def misread(address: str) -> str:
    """Why a broker's address is none, in a sentence; empty where it is HOST:PORT."""
    found = ADDRESS.fullmatch(address)
    if found and 0 < int(found[1]) <= MAX_PORT:
        return ""
    return f"broker.bootstrap_servers has {address!r}, wanted HOST:PORT, such as 127.0.0.1:9092; commas between several"


def _walk(
    broker: "BrokerSettings", context: ssl.SSLContext | None, address: str, group_id: str | None
) -> Iterator[Step]:
    host, port = _split(address)
    yield _resolve(host, port)
    plain = _connect(host, port)
    with plain:
        yield Step("port", True, f"{host}:{port} accepts connections")
        if context:
            with _encrypt(plain, context, host, port, broker) as encrypted:
                yield Step("tls", True, f"{host}:{port} has a certificate that is trusted ({encrypted.version()})")
                yield from _talk(Wire(encrypted), broker, f"{host}:{port}", group_id)
        else:
            yield from _talk(Wire(plain), broker, f"{host}:{port}", group_id)


def _split(address: str) -> tuple[str, int]:
    if ":" not in address:
        return address, DEFAULT_PORT
    if complaint := misread(address):
        raise _StepError("settings", complaint)
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def _resolve(host: str, port: int) -> Step:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise _StepError(
            "name", f"the name {host!r} cannot be resolved ({error.strerror or error}): check broker.bootstrap_servers"
        ) from error
    return Step("name", True, f"{host} is {', '.join(sorted({str(one[4][0]) for one in found}))}")


def _connect(host: str, port: int) -> socket.socket:
    try:
        return socket.create_connection((host, port), TIMEOUT_S)
    except OSError as error:
        why = "nothing listens there" if isinstance(error, ConnectionRefusedError) else str(error)
        raise _StepError(
            "port", f"no connection to {host}:{port} ({why}): is the broker running there, is a firewall between?"
        ) from error


def _encrypt(
    plain: socket.socket, context: ssl.SSLContext, host: str, port: int, broker: "BrokerSettings"
) -> ssl.SSLSocket:
    where = f"TLS with {host}:{port} failed"
    try:
        return context.wrap_socket(plain, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        if error.verify_code in NAME_MISMATCHES:
            advice = (
                f"its certificate is not for {host!r}: use a name that it is for in broker.bootstrap_servers, "
                "or set broker.ssl_check_hostname to false"
            )
        else:
            advice = (
                f"its certificate is not trusted ({error.verify_message}): "
                f"set broker.ssl_cafile to its authority, it is {broker.ssl_cafile or 'not set'}"
            )
        raise _StepError("tls", f"{where}: {advice}") from error
    except OSError as error:
        raise _StepError(
            "tls",
            f"{where} ({error}): the port may not speak TLS; if so, set broker.security_protocol to "
            f"{'SASL_PLAINTEXT' if 'SASL' in broker.security_protocol else 'PLAINTEXT'}",
        ) from error


def _talk(wire: Wire, broker: "BrokerSettings", where: str, group_id: str | None) -> Iterator[Step]:
    try:
        wire.learn_versions()
    except (OSError, KafkaError) as error:
        hint = "check the port"
        if isinstance(error, TlsError):
            wanted = "SASL_SSL" if "SASL" in broker.security_protocol else "SSL or SASL_SSL"
            hint = f"set broker.security_protocol to {wanted}"
        raise _StepError("protocol", f"{where} does not answer as a Kafka broker ({error}): {hint}") from error
    yield Step("protocol", True, f"{where} is a Kafka broker")
    if broker.security_protocol.startswith("SASL"):
        yield _log_in(wire, broker, where)
    try:
        addresses = wire.brokers()
    except (OSError, KafkaError) as error:
        hint = (
            "it may want a password: set broker.security_protocol to SASL_SSL or SASL_PLAINTEXT"
            if isinstance(error, ClosedError) and "SASL" not in broker.security_protocol
            else "see the broker's log"
        )
        raise _StepError("metadata", f"{where} does not say who belongs to the cluster ({error}): {hint}") from error
    yield Step("metadata", True, f"the cluster has {len(addresses)} broker{'s' * (len(addresses) != 1)}")
    yield _reach_all(addresses)
    if group_id:
        yield _may_use(group_id, wire, where, broker.sasl_plain_username or "anonymous")


def _log_in(wire: Wire, broker: "BrokerSettings", where: str) -> Step:
    user, mechanism = broker.sasl_plain_username or "", broker.sasl_mechanism or ""
    password = broker.sasl_plain_password.get_secret_value() if broker.sasl_plain_password else ""
    try:
        offered = wire.log_in(mechanism, user, password)
    except IllegalSaslStateError as error:
        wanted = "SSL" if "SSL" in broker.security_protocol else "PLAINTEXT"
        raise _StepError("password", f"{where} wants no password: set broker.security_protocol to {wanted}") from error
    except (OSError, KafkaError, ValueError) as error:
        # That the password is wrong is all that a broker tells, in many words.
        why = "" if isinstance(error, SaslAuthenticationFailedError) else f" ({str(error) or type(error).__name__})"
        raise _StepError(
            "password",
            f"{where} refuses user {user!r} with {mechanism}{why}: check "
            "broker.sasl_plain_username, broker.sasl_plain_password and broker.sasl_mechanism",
        ) from error
    if offered:
        raise _StepError(
            "password", f"{where} does not know {mechanism}: set broker.sasl_mechanism to one of {', '.join(offered)}"
        )
    return Step("password", True, f"{where} knows user {user!r}")


def _reach_all(addresses: list[tuple[str, int]]) -> Step:
    for host, port in addresses:
        try:
            _resolve(host, port)
            _connect(host, port).close()
        except _StepError as failure:
            raise _StepError(
                "advertised",
                f"the broker calls itself {host}:{port}, which cannot be reached from here ({failure.args[1]}); "
                "its advertised.listeners must name an address that clients can use",
            ) from failure
    return Step("advertised", True, f"reached {', '.join(f'{host}:{port}' for host, port in addresses)}")


def _may_use(group_id: str, wire: Wire, where: str, user: str) -> Step:
    try:
        code = wire.group_error(group_id)
    except (OSError, KafkaError) as error:
        raise _StepError("rights", f"{where} does not say what {user!r} may do ({error})") from error
    if code:
        why = for_code(code).__name__
        raise _StepError("rights", f"{where} does not let user {user!r} use group {group_id!r} ({why}): grant it")
    return Step("rights", True, f"{user!r} may use group {group_id!r}")
