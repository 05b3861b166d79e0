"""A pair of keys is made whole, for its owner's eyes only, and never in place of another."""

import os
import re
import stat
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.cli.main import app
from deploy.errors import CommandError
from deploy.models.keys import make_keys
from streams.messages.signature import KeysError
from streams.models.registry import Registry
from streams.registry_settings import RegistrySettings
from tests.support.models import bundle


def test_the_lines_that_are_printed_are_settings_with_which_versions_are_signed(tmp_path: Path) -> None:
    folder = tmp_path / 'ke"ys'
    done = CliRunner().invoke(app, ["models", "keygen", str(folder)], catch_exceptions=False)
    assert done.exit_code == 0
    table = tomllib.loads(done.output[done.output.index("[registry]") :])["registry"]
    assert table == {"signing_key_file": str(folder / "models.pem"), "public_key_file": str(folder / "models.pub.pem")}
    registry = Registry.of(RegistrySettings(root=str(tmp_path / "models"), **table), publishes=True)
    assert registry.fetch(registry.publish(bundle(1))).manifest.signature


def test_only_its_owner_may_read_the_private_half(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        private, public = make_keys(tmp_path)
    finally:
        os.umask(before)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (private, public)] == [0o600, 0o644]


@pytest.mark.parametrize("there", ["models.pem", "models.pub.pem"])
def test_what_is_there_is_not_overwritten(tmp_path: Path, there: str) -> None:
    (tmp_path / there).symlink_to("nowhere")
    with pytest.raises(CommandError, match=f"^{re.escape(str(tmp_path / there))}: there already"):
        make_keys(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [there]


def test_where_no_file_can_be_made_there_is_no_half_of_a_pair(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CommandError, match=r"no key was made in .*file"):
        make_keys(tmp_path / "file")


def test_without_the_extra_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric.ed25519", None)
    with pytest.raises(KeysError, match=r"pip install 'mmbind-stream\[signing\]'"):
        make_keys(tmp_path)
    assert list(tmp_path.iterdir()) == []
