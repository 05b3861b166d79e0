"""Work on many items."""

from benchmarks.learning.pool import each


def test_work_in_this_process_is_done_in_order() -> None:
    assert list(each(str, [3, 1, 2], 1)) == [(3, "3"), (1, "1"), (2, "2")]
