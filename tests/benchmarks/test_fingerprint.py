"""The hashes change with what came out, and with nothing else."""

from pathlib import Path

import pytest

from benchmarks.fingerprint import digest, fingerprint, main
from deploy.recordings.recordings import arrange
from streams.testing import SyntheticWorld


def test_order_does_not_change_the_digest_and_where_one_part_ends_does() -> None:
    assert digest([b"ab", b"c"]) == digest([b"c", b"ab"]) != digest([b"a", b"bc"])


def test_a_seed_gives_the_same_hashes_again_and_another_seed_others() -> None:
    world = SyntheticWorld(4, 3, n_complete=1)
    recordings = arrange("synthetic", world.specs.values(), world.windows(4), world.shared)
    first, again, other = (fingerprint(recordings, 1, seed) for seed in (0, 0, 1))
    assert first == again
    assert first["weights_sha256"] != other["weights_sha256"]
    assert first["bindings"] > 0


def test_a_set_that_is_not_there_is_told_before_anything_is_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("MMBIND_TEST_DATA", raising=False)
    with pytest.raises(SystemExit):
        main(["--sets", "utd", "--json", str(tmp_path / "found.json")])
    assert "no UTD-MHAD" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
