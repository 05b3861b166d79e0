"""What is wrong is said in one line: the setting, its value, and what was wanted."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.settings.config import ConfigError, load
from deploy.settings.obstacles import obstacles
from deploy.settings.unknown_variables import unknown_variables

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "deploy" / "mmbind.example.toml"
ADDRESS = "wanted HOST:PORT, such as 127.0.0.1:9092; commas between several"
AUTHORITIES = "wanted a PEM file of authorities"
CERTIFICATE = "wanted a PEM certificate and its key: they are none, or not of one another"


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("MODALITIES", "foo", "MMBIND_MODALITIES is 'foo': wanted JSON, or MMBIND_MODALITIES__... for each key"),
        ("TRAINER__BALANCED_REPLAY", "perhaps", "is 'perhaps': wanted true or false"),
        ("TRAINER__BATCH_PAIRS", "many", "trainer.batch_pairs is 'many': wanted a whole number"),
        ("TRAINER__BATCH_PAIR", "3", "trainer.batch_pair is not a setting; did you mean batch_pairs?"),
        ("TRAINER__LEARNING_RATE", "much", "trainer.learning_rate is 'much': wanted a number"),
        ("TRAINER__LEARNING_RATE", "0", "trainer.learning_rate is '0': wanted above 0"),
        ("INGEST__EARLIEST_YEAR", "1", "ingest.earliest_year is '1': wanted at least 1970"),
        ("INGEST__HELD_OUT_SHARE", "1", "ingest.held_out_share is '1': wanted below 1"),
        ("INGEST__HELD_OUT_SOURCES", "3", "ingest.held_out_sources is 3: wanted a list"),
        (
            "INGEST__HELD_OUT_SOURCES",
            "a,b",
            """MMBIND_INGEST__HELD_OUT_SOURCES is 'a,b': wanted JSON, such as ["a", "b"]""",
        ),
        ("RUNTIME__STREAM_PORT", "65536", "runtime.stream_port is '65536': wanted at most 65535"),
        ("BROKER__BOOTSTRAP_SERVERS", "", "broker.bootstrap_servers is '': wanted at least one character"),
        (
            "BROKER",
            '{"sasl_plain_password": "hunter2"',
            "BROKER is *****: wanted JSON, or MMBIND_BROKER__... for each key",
        ),
        ("BROKER", '[{"sasl_plain_password": "hunter2"}]', "broker is *****: wanted a table"),
        ("BROKER__SASL_PLAIN_PASSWORD__X", "hunter2", "broker.sasl_plain_password is *****: wanted text"),
        ("TOPICS__PREFIX", "my topics/", "'my topics/': wanted only lower-case letters, digits, '.' and '-'"),
        ("BROKER__SASL_MECHANISM", "GSSAPI", "'GSSAPI': wanted 'PLAIN', 'SCRAM-SHA-256' or 'SCRAM-SHA-512'"),
    ],
)
def test_of_the_environment(variable: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMBIND_BROKER__COMPRESSION", "gzip")  # another one, which is well
    monkeypatch.setenv(f"MMBIND_{variable}", value)
    with pytest.raises(ConfigError) as error:
        load(EXAMPLE)
    assert str(error.value).endswith(said)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("contents", "said"),
    [
        (b'shared_modality = "a"\nmodalities = 3\n', "line 2: modalities is 3: wanted a table"),
        (b"# caf\xe9\n", "line 1: not UTF-8: byte 0xe9; save it as UTF-8"),
        (b"\n# caf\xe9\n", "line 2: not UTF-8: byte 0xe9; save it as UTF-8"),
        (b"\xef\xbb\xbfa = 1\n", "line 1: begins with a byte order mark; save it as UTF-8 without one"),
        (b"a = 1\n[broken\n", "line 2: not TOML: Expected ']' at the end of a table declaration"),
    ],
)
def test_of_the_file(contents: bytes, said: str, tmp_path: Path) -> None:
    file = tmp_path / "mmbind.toml"
    file.write_bytes(contents)
    with pytest.raises(ConfigError) as error:
        load(file)
    assert str(error.value) == f"{file}, {said}"


def test_a_file_that_is_a_folder_or_nowhere(tmp_path: Path) -> None:
    for file, said in ((tmp_path, "is a folder, wanted a settings file"), (tmp_path / "a", "no such settings file")):
        with pytest.raises(ConfigError) as error:
            load(file)
        assert str(error.value) == f"{file}: {said}"


@pytest.mark.parametrize(
    "address",
    [
        "kafka-1", "kafka-1:", "kafka-1:abc", "kafka-1:0", "kafka-1:70000", "kafka-1:\u0663", "a:9092,:9092", "a:9092,",
        "http://kafka-1:9092", "me@kafka-1:9092", "kafka 1:9092", "::1:9092",
    ],
)  # fmt: skip
def test_an_address_without_its_port(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMBIND_BROKER__BOOTSTRAP_SERVERS", address)
    wrong = address.split(",")[-1]
    assert list(obstacles(load(EXAMPLE))) == [f"broker.bootstrap_servers has {wrong!r}, {ADDRESS}"]


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"SSL_CAFILE": "no.pem"}, f"broker.ssl_cafile is 'no.pem', {AUTHORITIES}: No such file or directory"),
        ({"SSL_CAFILE": "."}, f"broker.ssl_cafile is '.', {AUTHORITIES}: Is a directory"),
        ({"SSL_CAFILE": "bad.pem"}, f"broker.ssl_cafile is 'bad.pem', {AUTHORITIES}: no certificate is in it"),
        (
            {"SSL_CERTFILE": "bad.pem"},
            f"broker.ssl_certfile is 'bad.pem', {CERTIFICATE}",
        ),
        (
            {"SSL_CERTFILE": "bad.pem", "SSL_KEYFILE": "bad.pem"},
            f"broker.ssl_certfile is 'bad.pem' and broker.ssl_keyfile 'bad.pem', {CERTIFICATE}",
        ),
        (
            {"SSL_CERTFILE": "bad.pem", "SSL_KEYFILE": "."},
            "broker.ssl_keyfile is '.', wanted a PEM file of its key: Is a directory",
        ),
        ({"SSL_KEYFILE": "bad.pem"}, "broker.ssl_keyfile is 'bad.pem', wanted broker.ssl_certfile too"),
        (
            {"SSL_CERTFILE": "no.pem", "SSL_KEYFILE": "bad.pem"},
            "broker.ssl_certfile is 'no.pem', wanted a PEM file of our certificate: No such file or directory",
        ),
    ],
)
def test_a_file_of_certificates(
    variables: dict[str, str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bad.pem").write_text("no certificate")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MMBIND_BROKER__SECURITY_PROTOCOL", "SSL")
    for name, value in variables.items():
        monkeypatch.setenv(f"MMBIND_BROKER__{name}", value)
    assert list(obstacles(load(EXAMPLE))) == [said]


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("RUNTIME__DEVICE", "gpu0", "runtime.device is 'gpu0', wanted a device that torch has here: cpu"),
        # Torch knows both, and has no values on the one and no package for the other.
        ("RUNTIME__DEVICE", "meta", "runtime.device is 'meta', wanted a device that torch has here: cpu"),
        ("RUNTIME__DEVICE", "hpu", "runtime.device is 'hpu', wanted a device that torch has here: cpu"),
        ("INGEST__KEYS_FILE", "a.toml", "wanted a readable file of keys: No such file or directory"),
        ("REGISTRY__PUBLIC_KEY_FILE", "a.pem", "wanted a readable PEM file of a key: No such file or directory"),
        ("RUNTIME__DATA_DIR", "file/data", "wanted a folder that can be written: {here}/file is no folder"),
        # Where even the superuser may not write.
        pytest.param(
            "RUNTIME__DATA_DIR",
            "/proc/mmbind",
            "wanted a folder that can be written: /proc: No such file or directory",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc"),
        ),
        ("REGISTRY__ROOT", "file/models", "wanted a folder that can be written: {here}/file is no folder"),
    ],
)
def test_of_this_machine(variable: str, value: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(f"MMBIND_{variable}", value)
    (found,) = obstacles(load(EXAMPLE))
    assert found.startswith(f"{variable.lower().replace('__', '.')} is {value!r}, ")
    assert said.format(here=tmp_path) in found and "Errno" not in found and "\n" not in found


WITHOUT_S3 = """
import sys
from pathlib import Path
sys.modules["s3fs"] = None
from deploy.settings.config import load
from deploy.settings.obstacles import obstacles
print(*obstacles(load(Path(sys.argv[1]))), sep="\\n")
"""


def test_a_bucket_without_its_driver(tmp_path: Path) -> None:
    environment = {**os.environ, "MMBIND_REGISTRY__ROOT": "s3://bucket/models", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_S3, str(EXAMPLE)],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    wanted = "registry.root is 's3://bucket/models', for which a package is missing: pip install 'mmbind-stream[s3]'\n"
    assert done.stdout == wanted


@pytest.mark.parametrize(
    ("variable", "told"),
    [
        ("MMBIND_TRAINR__BATCH_PAIRS", "did you mean MMBIND_TRAINER__BATCH_PAIRS?"),
        ("MMBIND_BROKER_BOOTSTRAP_SERVERS", "did you mean MMBIND_BROKER__BOOTSTRAP_SERVERS?"),
        ("MMBIND_DATA_DIR", "did you mean MMBIND_RUNTIME__DATA_DIR?"),
        ("MMBIND_CONFIGG", "did you mean MMBIND_CONFIG?"),
        ("MMBIND_MODALITES__ACC__N_STEPS", "did you mean MMBIND_MODALITIES?"),
        ("MMBIND_STREAM_SERVICE_HOST", "it is ignored"),
    ],
)
def test_variables_that_are_called_like_settings_and_are_none(
    variable: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("MMBIND_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv(variable, "3")
    monkeypatch.setenv("MMBIND_TRAINER__BATCH_PAIRS", "3")
    assert unknown_variables() == [f"environment, {variable} is not a setting; {told}"]


def test_a_prefix_that_leaves_no_room_for_the_names(monkeypatch: pytest.MonkeyPatch) -> None:
    longest = "windows.linear-acceleration"
    monkeypatch.setenv("MMBIND_TOPICS__PREFIX", "x" * (249 - len(longest)))
    assert list(obstacles(load(EXAMPLE))) == []
    monkeypatch.setenv("MMBIND_TOPICS__PREFIX", "x" * (250 - len(longest)))
    assert list(obstacles(load(EXAMPLE))) == [
        f"topics.prefix has 223 characters, wanted at most 222: with {longest} a topic's name has at most 249"
    ]
