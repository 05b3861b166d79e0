"""Apache Kafka that wants TLS and a password and grants no rights but to `admin`, for tests."""

import shutil
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    KafkaAdminClient,
    ResourcePattern,
    ResourceType,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from pydantic import SecretStr

from deploy.machine.apache_kafka import KafkaBroker
from deploy.machine.brokers import free_port
from streams.settings import BrokerSettings

STORE_PASSWORD = "local-secret"
NAMES = ("admin", "nobody", "sensor", "worker", "trainer", "consumer", "labeller", "annotator", "operator", "embedder")
USERS = {user: f"{user}-secret" for user in NAMES}


class SecureKafka:
    """One node: SASL_SSL (SCRAM-SHA-512, PLAIN) on `port`, its certificate for localhost and 127.0.0.1 only."""

    def __init__(self, home: Path, folder: Path) -> None:
        self.authority = folder / "ca.pem"
        self.port, self.plain_port = free_port(), free_port()
        _make_certificates(folder)
        self._broker = KafkaBroker(home, folder / "kafka", self.port, self._settings(folder))

    def start(self) -> None:
        self._broker.start()
        with closing(KafkaAdminClient(bootstrap_servers=self.plain)) as admin:
            done = admin.alter_user_scram_credentials(
                [UserScramCredentialUpsertion(user, ScramMechanism.SCRAM_SHA_512, word) for user, word in USERS.items()]
            )
            admin.create_topics({"mmbind.models": {"num_partitions": 1, "replication_factor": 1}})
        assert not any(done.values()), done

    def grant(self, user: str, operation: ACLOperation, kind: ResourceType, name: str, begins: bool = False) -> None:
        """A right on one topic or group, or on all whose names begin so."""
        pattern = ACLResourcePatternType.PREFIXED if begins else ACLResourcePatternType.LITERAL
        right = ACL(f"User:{user}", "*", operation, ACLPermissionType.ALLOW, ResourcePattern(kind, name, pattern))
        with closing(KafkaAdminClient(bootstrap_servers=self.plain)) as admin:
            done = admin.create_acls([right])
        assert not done["failed"], done

    @property
    def plain(self) -> str:
        """Where no password is wanted and all is allowed: for what is not the test's subject."""
        return f"127.0.0.1:{self.plain_port}"

    def stop(self) -> None:
        self._broker.stop()

    def client(self, user: str = "admin", **changes: object) -> BrokerSettings:
        """Settings that work for the user, but for the changes."""
        right = {
            "bootstrap_servers": f"127.0.0.1:{self.port}",
            "security_protocol": "SASL_SSL",
            "ssl_cafile": str(self.authority),
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": user,
            "sasl_plain_password": SecretStr(USERS[user]),
        }
        return BrokerSettings.model_validate(right | changes)

    def _settings(self, folder: Path) -> dict[str, str]:
        controller = f"127.0.0.1:{free_port()}"
        client, plain = f"CLIENT://127.0.0.1:{self.port}", f"PLAIN://127.0.0.1:{self.plain_port}"
        plain_users = " ".join(f'user_{user}="{word}"' for user, word in USERS.items())
        security = "org.apache.kafka.common.security"
        return {
            "controller.quorum.voters": f"1@{controller}",
            "listeners": f"{client},{plain},CONTROLLER://{controller}",
            "advertised.listeners": f"{client},{plain}",
            "listener.security.protocol.map": "CLIENT:SASL_SSL,PLAIN:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name": "PLAIN",
            "sasl.enabled.mechanisms": "SCRAM-SHA-512,PLAIN",
            "listener.name.client.scram-sha-512.sasl.jaas.config": f"{security}.scram.ScramLoginModule required;",
            "listener.name.client.plain.sasl.jaas.config": f"{security}.plain.PlainLoginModule required {plain_users};",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:admin;User:ANONYMOUS",
            "ssl.keystore.type": "PKCS12",
            "ssl.keystore.location": str(folder / "broker.p12"),
            "ssl.keystore.password": STORE_PASSWORD,
            "ssl.key.password": STORE_PASSWORD,
        }


def _make_certificates(folder: Path) -> None:
    keytool = shutil.which("keytool")
    if keytool is None:
        pytest.skip("no keytool on the PATH: it comes with Java")
    key = ["-storepass", STORE_PASSWORD, "-alias", "broker", "-keystore", str(folder / "broker.p12")]
    names = ["-dname", "CN=localhost", "-ext", "san=dns:localhost,ip:127.0.0.1"]
    make = ["-genkeypair", "-keyalg", "RSA", "-keysize", "2048", "-validity", "30", "-storetype", "PKCS12", *names]
    export = ["-exportcert", "-rfc", "-file", str(folder / "ca.pem")]
    for command in (make, export):
        subprocess.run([keytool, *command, *key], check=True, capture_output=True)
