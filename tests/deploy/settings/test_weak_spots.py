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
ADDRESS = "wanted HOST:PORT, such as 127.0.0.1:9092, or some by commas"
AUTHORITIES = "wanted a PEM file of authorities"
CERTIFICATE = "wanted a PEM certificate and its key: they are none, or not of one another"
MISSING = "wanted a PEM certificate and its key: No such file or directory"


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("MODALITIES", "foo", "MMBIND_MODALITIES is 'foo': wanted JSON, or MMBIND_MODALITIES__... for each key"),
        ("TRAINER__BALANCED_REPLAY", "perhaps", "is 'perhaps': wanted a valid boolean: true or false"),
        ("TRAINER__BATCH_PAIRS", "many", "trainer.batch_pairs is 'many': wanted a whole number"),
        ("TRAINER__BATCH_PAIR", "3", "trainer.batch_pair is not a setting; did you mean batch_pairs?"),
        ("TOPICS__PREFIX", "my topics/", "'my topics/': wanted only lower-case letters, digits, '.' and '-'"),
        ("BROKER__SASL_MECHANISM", "GSSAPI", "'GSSAPI': wanted 'PLAIN', 'SCRAM-SHA-256' or 'SCRAM-SHA-512'"),
    ],
)
def test_of_the_environment(variable: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
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


@pytest.mark.parametrize("address", ["kafka-1", "kafka-1:", "kafka-1:abc", "kafka-1:70000", "a:9092,:9092", "a:9092,"])
def test_an_address_without_its_port(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMBIND_BROKER__BOOTSTRAP_SERVERS", address)
    wrong = address.split(",")[-1]
    assert list(obstacles(load(EXAMPLE))) == [f"broker.bootstrap_servers has {wrong!r}, {ADDRESS}"]


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"SSL_CAFILE": "no.pem"}, f"broker.ssl_cafile is 'no.pem', {AUTHORITIES}: No such file or directory"),
        ({"SSL_CAFILE": "."}, f"broker.ssl_cafile is '.', {AUTHORITIES}: Is a directory"),
        ({"SSL_CAFILE": "bad.pem"}, f"broker.ssl_cafile is 'bad.pem', {AUTHORITIES}: there is no certificate in it"),
        (
            {"SSL_CERTFILE": "bad.pem"},
            f"broker.ssl_certfile is 'bad.pem' and broker.ssl_keyfile None, {CERTIFICATE}",
        ),
        (
            {"SSL_CERTFILE": "no.pem", "SSL_KEYFILE": "bad.pem"},
            f"broker.ssl_certfile is 'no.pem' and broker.ssl_keyfile 'bad.pem', {MISSING}",
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
        ("INGEST__KEYS_FILE", "a.toml", "wanted a readable file of keys: No such file or directory"),
        ("REGISTRY__PUBLIC_KEY_FILE", "a.pem", "wanted a readable PEM file of a key: No such file or directory"),
        ("RUNTIME__DATA_DIR", "file/data", "wanted a folder that can be written: {here}/file is no folder"),
        # Where even the superuser may not write.
        ("RUNTIME__DATA_DIR", "/proc/mmbind", "wanted a folder that can be written: /proc: No such file or directory"),
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


def test_a_folder_of_somebody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() == 0:
        pytest.skip("the superuser may write everywhere")
    (tmp_path / "theirs").mkdir(mode=0o500)
    monkeypatch.setenv("MMBIND_RUNTIME__DATA_DIR", str(tmp_path / "theirs" / "data"))
    (found,) = obstacles(load(EXAMPLE))
    assert found.endswith(f"{tmp_path}/theirs: Permission denied")


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


def test_variables_that_are_called_like_settings_and_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("MMBIND_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MMBIND_TRAINR__BATCH_PAIRS", "3")
    assert unknown_variables() == [
        "environment, MMBIND_TRAINR__BATCH_PAIRS is not a setting; did you mean MMBIND_TRAINER__BATCH_PAIRS?"
    ]
