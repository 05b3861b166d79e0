"""What is wrong is said in one line: the setting, its value, and what was wanted."""

import os
from pathlib import Path

import pytest

from deploy.settings.config import ConfigError, load
from deploy.settings.obstacles import obstacles
from deploy.settings.unknown_variables import unknown_variables

EXAMPLE = Path(__file__).parents[3] / "deploy" / "mmbind.example.toml"


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("MODALITIES", "foo", "MMBIND_MODALITIES is 'foo': wanted JSON, or MMBIND_MODALITIES__... for each key"),
        ("TRAINER__BALANCED_REPLAY", "perhaps", "is 'perhaps': wanted a valid boolean: true or false"),
        ("TRAINER__BATCH_PAIRS", "many", "trainer.batch_pairs is 'many': wanted a whole number"),
        ("TRAINER__BATCH_PAIR", "3", "trainer.batch_pair is not a setting; did you mean batch_pairs?"),
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


@pytest.mark.parametrize("address", ["kafka-1:", "kafka-1:abc", "a:9092,:9092"])
def test_an_address_without_its_port(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMBIND_BROKER__BOOTSTRAP_SERVERS", address)
    wrong = address.split(",")[-1]
    assert f"broker.bootstrap_servers has {wrong!r}: wanted HOST:PORT" in list(obstacles(load(EXAMPLE)))


def test_variables_that_are_called_like_settings_and_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("MMBIND_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MMBIND_TRAINR__BATCH_PAIRS", "3")
    assert unknown_variables() == [
        "environment, MMBIND_TRAINR__BATCH_PAIRS is not a setting; did you mean MMBIND_TRAINER__BATCH_PAIRS?"
    ]
