"""The file of finished runs."""

from pathlib import Path

from benchmarks.learning.journal import append, completed, read_rows
from benchmarks.learning.rows import Row, Run

RUNS = [Run("offline", arm, 0, 0) for arm in ("ours/soft", "natural/soft")]


def row_of(run: Run, fingerprint: str = "settings-code") -> Row:
    return Row(**run._asdict(), fingerprint=fingerprint, encoders={"cmap": 0.5}, pairs={})


def test_a_line_that_was_cut_off_is_left_out_and_spoils_no_other(tmp_path: Path) -> None:
    file = tmp_path / "not yet there" / "rows.jsonl"
    append(row_of(RUNS[0]), file)
    with file.open("ab") as lines:
        lines.write(b'{"mode": "offline", "arm": "cut o')
    assert read_rows(file) == [row_of(RUNS[0])]
    append(row_of(RUNS[1]), file)
    assert read_rows(file) == [row_of(one) for one in RUNS]


def test_only_what_is_missing_is_measured_and_rows_come_in_the_order_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    append(row_of(RUNS[1]), file)
    measured: list[Run] = []

    def measure(run: Run) -> Row:
        measured.append(run)
        return row_of(run)

    done: list[Run] = []
    rows = completed(dict.fromkeys(RUNS, "settings-code"), measure, file, done.append)
    assert [row.run for row in rows] == RUNS
    assert measured == [RUNS[0]]
    assert done == [RUNS[1], RUNS[0]]
    assert read_rows(file) == rows[::-1]


def test_rows_of_another_fingerprint_count_only_as_far_as_is_compared(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    append(row_of(RUNS[0], "settings-old"), file)
    wanted = {RUNS[0]: "settings-new"}

    def measure(run: Run) -> Row:
        return row_of(run, "settings-new")

    (kept,) = completed(wanted, measure, file, compared=lambda one: one.partition("-")[0])
    assert kept.fingerprint == "settings-old"
    (fresh,) = completed(wanted, measure, file)
    assert fresh.fingerprint == "settings-new"
