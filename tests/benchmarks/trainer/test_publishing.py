"""What publishing costs is measured part by part, on versions that have a bridge."""

from benchmarks.trainer.publishing import PARTS, publishing_cost


def test_each_part_is_timed_and_the_fit_is_told_beside_the_judge() -> None:
    found = publishing_cost(1, n_slots=32)
    assert found.keys() == {*PARTS, "fit_over_judge"}
    assert all(value > 0 for value in found.values())
