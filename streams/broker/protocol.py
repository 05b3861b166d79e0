"""One blocking connection that asks a broker a few questions in Kafka's protocol, for diagnosis only.

Uses the messages of kafka-python; reads no settings and writes no log.
"""

import socket
from typing import Any

from kafka.errors import SaslAuthenticationFailedError, for_code
from kafka.net.sasl import get_sasl_mechanism
from kafka.protocol.metadata import ApiVersionsRequest, FindCoordinatorRequest, MetadataRequest
from kafka.protocol.parser import KafkaProtocol
from kafka.protocol.sasl import SaslAuthenticateRequest, SaslHandshakeRequest

from encoders.errors import MmbindError

# The newest versions whose meaning this file knows; a broker that is older says so.
HIGHEST_METADATA = 8
HIGHEST_COORDINATOR = 3
METADATA_WITHOUT_CREATION = 4
UNKNOWN_MECHANISM = 33
# Content type "alert" of TLS 1.x.
TLS_ALERT = b"\x15\x03"
# The coordinator of a group may still be coming up: no reason to call the rights missing.
COORDINATOR_STARTING = (14, 15)


class ClosedError(MmbindError, ConnectionError):
    """The broker hung up instead of answering."""


class TlsError(MmbindError, ConnectionError):
    """The other side speaks TLS and we did not."""


class Wire:
    """Questions to the broker behind a connected socket.

    Raises:
        OSError: By any question, when the connection breaks or nothing comes in the socket's timeout.
        KafkaError: By any question, when the answer makes no sense or is an error.
    """

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._protocol = KafkaProtocol(client_id="mmbind-doctor")
        self._versions: dict[int, int] = {}

    def learn_versions(self) -> None:
        """Asks which requests the broker knows; needs no password."""
        answer = self._ask(ApiVersionsRequest(version=0))
        self._versions = {one.api_key: one.max_version for one in answer.api_keys}

    def log_in(self, mechanism: str, user: str, password: str) -> list[str]:
        """Sends user and password.

        Returns:
            An empty list; or, where the broker does not know the mechanism, those that it knows.
        """
        answer = self._ask(SaslHandshakeRequest(version=1, mechanism=mechanism))
        if answer.error_code == UNKNOWN_MECHANISM:
            return list(answer.mechanisms)
        _check(answer.error_code, "")
        talk = get_sasl_mechanism(mechanism)(
            sasl_mechanism=mechanism, sasl_plain_username=user, sasl_plain_password=password
        )
        while not talk.is_done():
            answer = self._ask(SaslAuthenticateRequest(version=0, auth_bytes=talk.auth_bytes()))
            _check(answer.error_code, answer.error_message)
            talk.receive(answer.auth_bytes)
        if not talk.is_authenticated():
            raise SaslAuthenticationFailedError("the broker did not accept the password")
        return []

    def brokers(self) -> list[tuple[str, int]]:
        """Host and port of each broker, as they want to be called."""
        version = min(HIGHEST_METADATA, self._versions.get(MetadataRequest.API_KEY, METADATA_WITHOUT_CREATION))
        answer = self._ask(MetadataRequest(version=version, topics=[], allow_auto_topic_creation=False))
        return [(one.host, one.port) for one in answer.brokers]

    def group_error(self, group_id: str) -> int:
        """Kafka's error code for a consumer group, 0 where it may be used."""
        version = min(HIGHEST_COORDINATOR, self._versions.get(FindCoordinatorRequest.API_KEY, 0))
        code = int(self._ask(FindCoordinatorRequest(version=version, key=group_id, key_type=0)).error_code)
        return 0 if code in COORDINATOR_STARTING else code

    def _ask(self, request: Any) -> Any:
        self._protocol.send_request(request)
        self._socket.sendall(self._protocol.send_bytes())
        while True:
            received = self._socket.recv(65536)
            if not received:
                raise ClosedError("it closed the connection")
            if received.startswith(TLS_ALERT):
                raise TlsError("it speaks TLS")
            for _, answer in self._protocol.receive_bytes(received):
                return answer


def _check(code: int, message: str | None) -> None:
    if code:
        raise for_code(code)(*([message] if message else []))
