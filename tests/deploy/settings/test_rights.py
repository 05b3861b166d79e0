"""What this user may not read or write is said in one line. The superuser, who may, becomes somebody else before."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.settings.writable import unwritable_file

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "deploy" / "mmbind.example.toml"
SCRIPT = """
import os, sys, tempfile
from pathlib import Path
from deploy.settings.config import ConfigError, load
from deploy.settings.obstacles import obstacles

settings, folder = load(Path(sys.argv[1])), sys.argv[2]
list(obstacles(settings))  # imports all, for somebody else may not read where that lies
if os.geteuid() == 0:
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)

def changed(settings, section, **values):
    return settings.model_copy(update={section: getattr(settings, section).model_copy(update=values)})

well = changed(settings, "runtime", data_dir=tempfile.gettempdir())
well = changed(well, "registry", root=f"{tempfile.gettempdir()}/no-models-of-anybody")
for wrong in (
    well,
    changed(well, "runtime", data_dir=f"{folder}/data"),
    changed(well, "registry", root=f"{folder}/models"),
    changed(well, "broker", security_protocol="SSL", ssl_cafile=f"{folder}/ca.pem"),
):
    print(*obstacles(wrong), sep="\\n", end=";\\n")
try:
    load(Path(folder) / "mmbind.toml")
except ConfigError as error:
    print(error)
"""


def test_what_somebody_else_has_locked(tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    for name in ("ca.pem", "mmbind.toml"):
        (folder / name).touch(mode=0)
    folder.chmod(0o500)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MMBIND_")}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(EXAMPLE), str(folder)],
        cwd=tmp_path, env=clean | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    well, data, models, authorities, file = done.stdout.rstrip().split(";\n")
    assert well == ""
    for said, setting, value in ((data, "runtime.data_dir", "data"), (models, "registry.root", "models")):
        assert said.startswith(f"{setting} is '{folder}/{value}', wanted a folder that can be written: ")
        assert said.endswith(": Permission denied") and "\n" not in said
    assert authorities == f"broker.ssl_cafile is '{folder}/ca.pem', wanted a PEM file of authorities: Permission denied"
    assert file == f"{folder}/mmbind.toml: cannot be read: Permission denied"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("new.json", ""),
        ("new/folder/new.json", ""),
        ("there.json", ""),
        (".", "{here} is a folder"),
        ("there.json/new.json", "{here}/there.json is no folder"),
        ("/proc/new.json", "/proc: No such file or directory"),  # where even the superuser may not write
    ],
)
def test_a_file_that_is_to_be_written(name: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.json").touch()
    assert unwritable_file(Path(name)) == why.format(here=tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == ["there.json"]
