"""Where an MQTT broker is."""

import pytest
from pydantic import ValidationError

from deploy.settings.config import ConfigError, as_toml, load
from deploy.settings.mqtt import MqttSettings

ACC = {"acc": {"n_channels": 3, "n_steps": 10, "rate_hz": 10}}


@pytest.mark.parametrize(
    ("text", "tls", "found"),
    [
        ("broker", False, ("broker", 1883)),
        ("broker", True, ("broker", 8883)),
        ("b:99", True, ("b", 99)),
        ("::1", False, ("::1", 1883)),
    ],
)
def test_an_address_is_a_host_and_perhaps_a_port(text: str, tls: bool, found: tuple[str, int]) -> None:
    assert MqttSettings(address=text, tls=tls).host_and_port == found


@pytest.mark.parametrize("text", ["", ":1883", "a:b", "a:70000"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"mqtt.address is .*: wanted HOST or HOST:PORT"):
        load(mqtt={"address": text}, modalities=ACC, shared_modality="acc")


@pytest.mark.parametrize("name", ["ssl_cafile", "ssl_certfile"])
def test_a_certificate_without_encryption_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match=r"wanted mqtt.tls = true with it"):
        MqttSettings.model_validate({name: "some.pem"})


def test_the_password_comes_from_the_environment_and_goes_into_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMBIND_MQTT__PASSWORD", "secret")
    settings = load(mqtt={"address": "broker"}, modalities=ACC, shared_modality="acc")
    assert settings.mqtt.address == "broker"
    assert settings.mqtt.password and settings.mqtt.password.get_secret_value() == "secret"
    assert "password" not in as_toml(settings)
