"""The file of finished runs, a row a line: what it holds is not run again."""

from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from benchmarks.learning.pool import each
from benchmarks.learning.rows import Row, Run


def read_rows(file: Path) -> list[Row]:
    """The rows of a file; a line that was cut off is left out."""
    if not file.exists():
        return []
    rows = []
    for line in file.read_bytes().splitlines():
        try:
            rows.append(msgspec.json.decode(line, type=Row))
        except msgspec.DecodeError:
            continue
    return rows


def append(row: Row, file: Path) -> None:
    """Adds a row to a file, which is made if there is none; a last line that was cut off stays alone."""
    file.parent.mkdir(parents=True, exist_ok=True)
    so_far = file.read_bytes() if file.exists() else b""
    is_cut_off = bool(so_far) and not so_far.endswith(b"\n")
    with file.open("ab") as lines:
        lines.write(b"\n" * is_cut_off + msgspec.json.encode(row) + b"\n")


def completed(
    fingerprints: Mapping[Run, str],
    measure: Callable[[Run], Row],
    file: Path,
    on_done: Callable[[Run], None] = lambda done: None,
    n_jobs: int = 1,
    compared: Callable[[str], str] = lambda fingerprint: fingerprint,
) -> list[Row]:
    """A row for each run, those in `file` as they are; a new one is appended to it as soon as it is there.

    Args:
        fingerprints: Of what each run would be made with now.
        measure: Makes the row of one run; can be pickled if there are several jobs.
        file: A line a row.
        on_done: Called after each run, whether it had to be run or not.
        n_jobs: How many processes.
        compared: The part of a fingerprint that must be the same for a row to count.
    """
    wanted = {run: compared(fingerprint) for run, fingerprint in fingerprints.items()}
    known = {(row.run, compared(row.fingerprint)): row for row in read_rows(file)}
    rows = {run: known[run, part] for run, part in wanted.items() if (run, part) in known}
    for run in rows:
        on_done(run)
    for run, row in each(measure, [run for run in wanted if run not in rows], n_jobs):
        append(row, file)
        rows[run] = row
        on_done(run)
    return [rows[run] for run in wanted]
