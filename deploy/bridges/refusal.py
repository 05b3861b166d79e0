"""Why an MQTT broker cannot be used, in a sentence that names the setting. Performs no I/O."""

import socket
import ssl

from deploy.settings.mqtt import MqttSettings

# MQTT's reason codes: bad user name or password, not authorised.
LOGIN_CODES = (134, 135)


def of_login(mqtt: MqttSettings, code: int, said: str) -> str:
    """Why the broker answers, and does not let us in; `code` and `said` are its own."""
    if code not in LOGIN_CODES:
        return f"{_address(mqtt)}: the broker does not let us in: {said}"
    if mqtt.username is None:
        return f"mqtt.username is not set, wanted one that {mqtt.address} lets in: {said}"
    password = "is not set" if mqtt.password is None else "is set"
    return f"mqtt.username is {mqtt.username!r} and mqtt.password {password}: {mqtt.address} refuses them: {said}"


def of_connection(mqtt: MqttSettings, error: BaseException | None) -> str:
    """Why there is no connection."""
    match error:
        case ssl.SSLCertVerificationError():
            told = error.verify_message.rstrip(".")
            return (
                f"mqtt.ssl_cafile is {mqtt.ssl_cafile!r}, wanted the authority of {mqtt.address}, and mqtt.address a "
                f"name of its certificate: {told}"
            )
        case ssl.SSLError():
            return f"mqtt.tls is true, but {mqtt.address} speaks no TLS that we do: {error.reason or error}"
        case ConnectionResetError() if mqtt.tls:
            return f"mqtt.tls is true, but {mqtt.address} ends the connection: does it speak TLS?"
        case socket.gaierror():
            return f"{_address(mqtt)}: there is no such host"
        case ConnectionRefusedError():
            return f"{_address(mqtt)}: nothing listens there"
    return f"{_address(mqtt)}: it cannot be reached: {error}"


def of_silence(mqtt: MqttSettings) -> str:
    """Why a broker ends the connection before it answers: it says nothing of it."""
    wanted = "mqtt.ssl_certfile, a certificate of ours" if mqtt.tls else "mqtt.tls = true"
    return f"{_address(mqtt)}: the broker ends the connection without an answer: does it want {wanted}?"


def _address(mqtt: MqttSettings) -> str:
    return f"mqtt.address is {mqtt.address!r}"
