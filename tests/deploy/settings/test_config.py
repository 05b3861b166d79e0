from pathlib import Path

import pytest

from deploy.settings.config import ConfigError, Settings, as_toml, find_file, leaves, load
from deploy.settings.origins import origin
from deploy.settings.toml_text import line_of
from streams.labels import LABEL
from streams.settings import StreamSettings

EXAMPLE = Path(__file__).parents[3] / "deploy" / "mmbind.example.toml"
MODALITY = "[modalities.acc]\nn_channels = 3\nn_steps = 250\nrate_hz = 50\n"


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MMBIND_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)


def written(text: str) -> Path:
    file = Path("mmbind.toml")
    file.write_text(text)
    return file


def complaint(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(written(text))
    return str(caught.value)


def test_the_example_is_valid_and_serves_a_worker() -> None:
    settings = load(EXAMPLE)
    assert isinstance(settings, StreamSettings)
    assert set(settings.specs) == {"linear-acceleration", "gravity", "gyroscope"}


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMBIND_BROKER__BOOTSTRAP_SERVERS", "kafka:9093")
    monkeypatch.setenv("MMBIND_TRAINER__SEED", "7")
    settings = load(EXAMPLE)
    assert (settings.broker.bootstrap_servers, settings.trainer.seed) == ("kafka:9093", 7)


def test_the_program_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMBIND_SHARED_MODALITY", "gravity")
    assert load(EXAMPLE, shared_modality="gyroscope").shared_modality == "gyroscope"


def test_a_file_is_found_by_argument_then_environment_then_here(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_file(None) is None
    here = written("")
    assert find_file(None) == here
    monkeypatch.setenv("MMBIND_CONFIG", str(EXAMPLE))
    assert find_file(None) == EXAMPLE
    assert find_file(here) == here


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigError, match=r"other\.toml: no such settings file"):
        load(Path("other.toml"))


def test_a_wrong_value_is_shown_with_its_line_and_what_was_wanted() -> None:
    text = f'shared_modality = "acc"\n{MODALITY}[broker]\nsecurity_protocol = "TLS"\n'
    assert complaint(text) == (
        "mmbind.toml, line 7: broker.security_protocol is 'TLS': "
        "wanted 'PLAINTEXT', 'SSL', 'SASL_PLAINTEXT' or 'SASL_SSL'"
    )


def test_an_unknown_key_gets_the_one_that_was_meant() -> None:
    text = f'shared_modality = "acc"\n{MODALITY}[trainer]\nlearning_rat = 0.1\n'
    assert complaint(text) == (
        "mmbind.toml, line 7: trainer.learning_rat is not a setting; did you mean learning_rate?"
    )


def test_every_mistake_has_a_line_of_its_own() -> None:
    text = f'shared_modality = "acc"\n{MODALITY}[ingest]\nhop_s = "five"\n[index]\nM = 1\n'
    first, second = complaint(text).splitlines()
    assert first.startswith("mmbind.toml, line 7: ingest.hop_s is 'five'")
    assert second.startswith("mmbind.toml, line 9: index.M is 1")


def test_a_shared_modality_must_be_one_of_the_modalities() -> None:
    text = f'shared_modality = "gyro"\n{MODALITY}'
    assert (
        complaint(text) == "mmbind.toml, line 1: shared_modality is 'gyro': wanted one of the modalities: acc; or label"
    )


def test_what_binds_too_must_be_a_modality() -> None:
    text = f'shared_modality = "acc"\n{MODALITY}[binding]\nalso_shared = ["gyro"]\n'
    with pytest.raises(ConfigError, match=r"also_shared = \['gyro'\]: wanted modalities: acc"):
        load(written(text))


def test_a_rotation_tolerant_descriptor_wants_three_axes_in_the_shared_modality() -> None:
    text = f'shared_modality = "acc"\n{MODALITY}[binding]\ndescriptor = "both"\n'
    found = complaint(text.replace("n_channels = 3", "n_channels = 6"))
    assert "acc has 6 channels" in found and "wants 3" in found
    assert load(written(text)).binding.descriptor == "both"


def test_a_modality_name_must_make_a_topic_name() -> None:
    text = f'shared_modality = "Acc"\n{MODALITY.replace("acc", "Acc")}'
    assert "wanted lower-case letters" in complaint(text)


def test_broken_toml_is_called_so_with_its_line() -> None:
    assert complaint("[broker\n").startswith("mmbind.toml, line 1: not TOML: ")


def test_a_mistake_of_the_environment_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMBIND_INDEX__M", "one")
    assert complaint(f'shared_modality = "acc"\n{MODALITY}').startswith(
        "environment, MMBIND_INDEX__M: index.M is 'one'"
    )


def test_a_password_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMBIND_BROKER__SASL_PLAIN_PASSWORD", "hunter2")
    settings = load(EXAMPLE)
    assert "hunter2" not in str(leaves(settings)) + as_toml(settings) + repr(settings)
    assert settings.broker.sasl_plain_password is not None
    assert settings.broker.sasl_plain_password.get_secret_value() == "hunter2"


def test_written_as_toml_the_settings_read_the_same() -> None:
    settings = load(EXAMPLE)
    again = load(written(as_toml(settings)))
    assert again.model_dump() == settings.model_dump()


def test_every_value_has_an_origin(monkeypatch: pytest.MonkeyPatch) -> None:
    file = written(f'shared_modality = "acc"\n{MODALITY}')
    monkeypatch.setenv("MMBIND_TRAINER__SEED", "7")
    text = file.read_text()
    assert origin(("modalities", "acc", "rate_hz"), file, text) == "mmbind.toml:5"
    assert origin(("trainer", "seed"), file, text) == "MMBIND_TRAINER__SEED"
    assert origin(("trainer", "dim"), file, text) == "default"


def test_dotted_and_quoted_keys_are_found() -> None:
    text = 'a.b = 1\n["c"."d"] # table\n"e" = 2\n'
    lines = [line_of(text, path) for path in (("a", "b"), ("c", "d", "e"), ("c", "x"))]
    assert [line and line.number for line in lines] == [1, 3, None]


def test_every_setting_says_what_it_is() -> None:
    schema = Settings.model_json_schema()
    tables = {"": schema, **{f"{name}.": table for name, table in schema["$defs"].items()}}
    told = {f"{name}{key}": one for name, table in tables.items() for key, one in table["properties"].items()}
    assert len(told) > 80
    # Tables are described where they are defined.
    assert [key for key, one in told.items() if "description" not in one and "$ref" not in one] == []
    assert [name for name, table in tables.items() if "description" not in table] == []


def test_settings_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load(EXAMPLE).shared_modality = "gravity"  # type: ignore[misc]
    assert Settings.model_config["extra"] == "forbid"


def test_the_settings_file_names_the_label_and_no_modality_of_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    modality = "[modalities.acc]\nn_channels = 3\nn_steps = 250\nrate_hz = 50\n"
    file = tmp_path / "mmbind.toml"
    file.write_text(f'shared_modality = "label"\n{modality}[labels]\nkind = "text"\n')
    read = load(file)
    assert (read.labels.kind, set(read.specs), set(read.sensors)) == ("text", {"acc", LABEL}, {"acc"})
    file.write_text(as_toml(read))
    assert load(file).model_dump() == read.model_dump()
    file.write_text(f'shared_modality = "label"\n{modality}[binding]\ndescriptor = "both"\n')
    with pytest.raises(ConfigError, match="descriptor"):
        load(file)


PREFIXES = "wanted only lower-case letters, digits, '.' and '-'"


@pytest.mark.parametrize("prefix", ["Mine.", "my topics.", "mmbind/", "ü."])
def test_a_prefix_that_makes_no_topic_name_is_refused(prefix: str) -> None:
    text = f'shared_modality = "acc"\n{MODALITY}[topics]\nprefix = "{prefix}"\n'
    assert complaint(text) == f"mmbind.toml, line 7: topics.prefix is {prefix!r}: {PREFIXES}"


def test_all_commands_speak_to_the_port_on_which_up_starts_a_broker_unless_one_is_named() -> None:
    text = f'shared_modality = "acc"\n{MODALITY}[broker]\nlocal_port = 9093\n'
    local = load(written(text)).broker
    assert local.bootstrap_servers == "127.0.0.1:9093"
    assert "bootstrap_servers" not in local.model_fields_set
    named = load(written(text + 'bootstrap_servers = "kafka:1"\n')).broker
    assert named.bootstrap_servers == "kafka:1"
    assert complaint(text.replace("9093", "0")) == ("mmbind.toml, line 7: broker.local_port is 0: wanted at least 1")
