"""The short form of `make chaos`, and that the harness sees what it is there to see."""

from pathlib import Path

from tests.chaos.catalogue import FAULTS, SHORT
from tests.chaos.play import play
from tests.chaos.world import played_world

SLOT_S = 1.0


def test_kills_and_a_zombie_lose_nothing_and_train_nothing_twice(tmp_path: Path) -> None:
    verdict = play(SHORT, "embedded", played_world(), tmp_path, seed=0, slot_s=SLOT_S, n_strikes=1)

    assert verdict.faults == [], verdict.notes
    assert verdict.counts.moments > 200
    assert verdict.versions > 1


def test_every_fault_has_a_name_of_its_own() -> None:
    assert len({one.name for one in FAULTS}) == len(FAULTS)
