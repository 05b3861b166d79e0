import typing
from dataclasses import fields

import pytest

from streams.broker.arguments import CHOICES, BrokerAccess, broker_of
from streams.settings import BrokerSettings


def test_they_say_what_the_settings_say() -> None:
    settings = BrokerSettings()
    assert {one.name for one in fields(BrokerAccess)} == set(BrokerSettings.model_fields)
    assert all(getattr(BrokerAccess(), name) == value for name, value in settings.model_dump().items())
    for name, choices in CHOICES.items():
        told = typing.get_args(BrokerSettings.model_fields[name].annotation)
        literals = [typing.get_args(one) or (None,) for one in told if one is not type(None)]
        flat = [value for one in literals for value in one] if None in choices else list(told)
        assert set(flat) == set(choices) - {None}


def test_what_says_nothing_of_the_broker_is_left_to_the_client() -> None:
    broker, others = broker_of("a:1,b:2", {"security_protocol": "SSL", "sasl_plain_password": "secret", "acks": 1})
    assert (broker.bootstrap_servers, broker.security_protocol, others) == ("a:1,b:2", "SSL", {"acks": 1})
    assert broker.sasl_plain_password and broker.sasl_plain_password.get_secret_value() == "secret"
    assert "secret" not in repr(broker)


@pytest.mark.parametrize("name", list(CHOICES))
def test_what_cannot_be_is_told_with_what_can(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} is 'ssl', wanted one of .*{CHOICES[name][-1]}"):
        broker_of("a:1", {name: "ssl"})
    with pytest.raises(ValueError, match="bootstrap_servers is empty"):
        broker_of("", {})
