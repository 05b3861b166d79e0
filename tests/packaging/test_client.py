"""The client as a sensor's machine has it: the wheel and what it needs, and nothing else.

No index is asked: what the wheel says that it needs is copied from our own environment, file by file, and `pip check`
says that it is all.
"""

import re
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

import pytest

from deploy.machine.brokers import Broker
from deploy.topics.installation import install_topics
from streams.broker.log import read_all
from streams.messages.codec import decode_window, split
from streams.testing import SyntheticWorld
from tests.support.wheels import installed, pip, run, site_packages

MOST_MB = 90
HEAVY = ("torch", "faust", "hnswlib", "aiokafka", "typer", "pydantic", "zstandard")
SCRIPT = """
import sys
import streams                      # the sensor's own
from mmbind_client import SensorClient, UnknownModality
import encoders, trainer            # they, too

assert (streams.WHOSE, encoders.WHOSE, trainer.WHOSE) == ("mine",) * 3
with SensorClient(sys.argv[1], sys.argv[2]) as client:
    spec = client.modalities["gravity"]
    try:
        client.push("node-7", "gravitation", 1_700_000_000_000_000_000, [0.0, 0.0, 1.0])
    except UnknownModality as error:
        print(error)
    print(client.push("node-7", "gravity", 1_700_000_000_000_000_000, [[0.0, 0.0, 1.0]] * spec.n_steps))
assert not [one for one in sys.modules if one.split(".")[0] in sys.argv[3:]]
assert not [one for one in sys.modules if one.startswith(("streams.", "encoders.", "trainer."))]
"""


def needed(requirements: list[str]) -> Iterator[str]:
    """The names of all distributions that these ask for, without extras, and those that they ask for in turn."""
    for one in requirements:
        if "extra ==" not in one:
            name = re.match(r"[\w.-]+", one)
            assert name
            yield name[0]
            yield from needed(distribution(name[0]).requires or [])


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    environment = installed(wheel, tmp_path_factory.mktemp("client"), "[client]")
    folder = site_packages(environment)
    (metadata,) = folder.glob("mmbind_stream-*.dist-info/METADATA")
    wanted = [line.partition(": ")[2] for line in metadata.read_text().splitlines() if line.startswith("Requires-Dist")]
    for name in set(needed(wanted)):
        for file in distribution(name).files or ():
            if ".." not in file.parts and file.suffix != ".pyc":
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(str(file.locate()), folder / file)
    return environment


def test_it_has_all_that_it_says_it_needs_and_nothing_heavy(environment: Path) -> None:
    assert "No broken requirements" in pip(environment, "check")
    assert not [name for name in HEAVY if (site_packages(environment) / name).exists()]


def test_the_whole_environment_is_small(environment: Path) -> None:
    """All its files, the bytecode that pip makes, too; without pip, and without the Python that it links to."""
    run(sys.executable, "-m", "compileall", "-q", "-q", "-j", "0", str(site_packages(environment)), folder=environment)
    n_bytes = sum(path.stat().st_size for path in environment.rglob("*") if path.is_file() and not path.is_symlink())
    assert n_bytes < MOST_MB * 1_000_000, f"{n_bytes / 1e6:.1f} MB"


def test_it_sends_beside_a_script_that_has_modules_of_our_names(
    environment: Path, embedded_broker: Broker, prefix: str, tmp_path: Path
) -> None:
    given = {"bootstrap_servers": embedded_broker.bootstrap_servers}
    settings = SyntheticWorld(2).settings(broker=given, topics={"prefix": prefix})
    install_topics(settings)
    for name in ("streams", "encoders", "trainer"):
        (tmp_path / f"{name}.py").write_text('WHOSE = "mine"\n')
    (tmp_path / "sensor.py").write_text(SCRIPT)
    python = str(environment / "bin" / "python")
    said = run(python, "sensor.py", embedded_broker.bootstrap_servers, prefix, *HEAVY, folder=tmp_path)
    there = ", ".join(sorted(settings.sensors))
    assert said == f"modality is 'gravitation', wanted one of those that exist: {there}\n1\n"
    (message,) = read_all(settings.broker, f"{prefix}windows.gravity")
    (window,) = (decode_window(raw) for raw in split(message.value or b""))
    assert window.source_id == "node-7" and window.values[:, 2].tolist() == [1.0] * len(window.values)


def test_it_is_there_under_its_long_name_too(environment: Path, tmp_path: Path) -> None:
    run(str(environment / "bin" / "python"), "-c", "from streams.client import SensorClient", folder=tmp_path)


def test_mmbind_says_what_is_missing(environment: Path, tmp_path: Path) -> None:
    said = run(str(environment / "bin" / "mmbind"), "send", folder=tmp_path, exit_code=1)
    assert said == "mmbind: the package typer is missing: pip install 'mmbind-stream[all]'\n"
