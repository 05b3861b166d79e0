"""What every client is told of the broker, and what is said and done while there is none."""

import logging
import ssl
from contextlib import closing
from pathlib import Path

import pytest
from kafka.admin import KafkaAdminClient
from pydantic import SecretStr

from deploy.machine.brokers import Broker, free_port
from streams.broker.connection import (
    BrokerUnreachable,
    RepeatFilter,
    calm_client_logs,
    client_config,
    connect_or_explain,
    producer_config,
    ssl_context,
)
from streams.settings import BrokerSettings
from tests.support.diagnosing import failed, plain


def test_passes_on_what_every_client_needs_and_hides_the_password_until_then() -> None:
    settings = BrokerSettings(
        bootstrap_servers="a:1, b:2",
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="PLAIN",
        sasl_plain_username="me",
        sasl_plain_password=SecretStr("secret"),
        compression="lz4",
    )
    assert client_config(settings) == {
        "bootstrap_servers": ["a:1", "b:2"],
        "security_protocol": "SASL_PLAINTEXT",
        "reconnect_backoff_max_ms": 2000,
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": "me",
        "sasl_plain_password": "secret",
    }
    assert producer_config(settings)["compression_type"] == "lz4"


def test_plain_connections_have_no_tls() -> None:
    assert ssl_context(BrokerSettings()) is None
    assert "ssl_context" not in client_config(BrokerSettings())


def test_tls_verifies_the_certificate_and_its_name() -> None:
    context = ssl_context(BrokerSettings(security_protocol="SSL"))
    assert context is not None
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


@pytest.mark.parametrize("setting", ["ssl_cafile", "ssl_certfile"])
def test_names_the_setting_of_a_certificate_that_cannot_be_read(setting: str, tmp_path: Path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate")
    for path in (str(broken), str(tmp_path / "missing.pem")):
        settings = BrokerSettings.model_validate({"security_protocol": "SSL", setting: path})
        with pytest.raises(ValueError, match=f"broker.{setting} is '{path}'"):
            ssl_context(settings)
        assert failed(settings)[0] == "settings"


def test_makes_the_client_when_the_broker_is_there(broker: Broker) -> None:
    settings = BrokerSettings(bootstrap_servers=broker.bootstrap_servers)
    with closing(connect_or_explain(lambda: KafkaAdminClient(**client_config(settings)), settings)) as admin:
        assert admin.list_topics() is not None


def test_explains_at_once_why_there_is_no_client() -> None:
    settings = plain(free_port())
    with pytest.raises(BrokerUnreachable, match="nothing listens there") as caught:
        connect_or_explain(lambda: pytest.fail("must not be tried"), settings)
    assert [step.name for step in caught.value.steps] == ["name", "port"]


def client_record(line: int, text: str = "Unable to connect to %s") -> logging.LogRecord:
    return logging.LogRecord("aiokafka.conn", logging.ERROR, "conn.py", line, text, ("node 1",), None)


def test_a_line_that_repeats_is_heard_once_a_minute_with_the_number_of_those_silenced() -> None:
    now_s = [0.0]
    repeats = RepeatFilter(60.0, lambda: now_s[0])
    heard = [repeats.filter(client_record(1)) for _ in range(100)]
    now_s[0] = 61.0
    later = client_record(1)
    assert heard == [True] + [False] * 99
    assert repeats.filter(later)
    assert later.getMessage() == "Unable to connect to node 1 (and 99 more like it)"


def test_other_lines_and_other_loggers_are_heard() -> None:
    repeats = RepeatFilter(60.0, lambda: 0.0)
    ours = logging.LogRecord("streams.worker.run", logging.ERROR, "app.py", 1, "no", (), None)
    assert repeats.filter(client_record(1))
    assert repeats.filter(client_record(2))
    assert repeats.filter(ours)
    assert repeats.filter(ours)


def test_calming_twice_leaves_one_filter() -> None:
    handler = logging.NullHandler()
    calm_client_logs([handler])
    calm_client_logs([handler])
    assert len(handler.filters) == 1
