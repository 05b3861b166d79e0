"""Labels as people write them down, and as they are told: CSV, or JSON Lines."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

from deploy.errors import WrongInput
from streams.messages.checked import checked_label_record
from streams.messages.rejects import InvalidRecord
from streams.records import Label, LabelRecord, SampleLabel

NS_PER_S = 1_000_000_000
FORMS = "sample_id,label or source_id,start_s,end_s,label"
TIMES = ("start_s", "end_s")
COLUMNS = ("sample_id", "source_id", "start", "label", "probability", "given")
NOT_KNOWN = "not known"


def read_labels(file: Path) -> list[LabelRecord]:
    """The labels of a file, in order, checked.

    CSV has a first line of names, `sample_id,label` or `source_id,start_s,end_s,label`; a `.jsonl` file an object of
    these a line. Times are seconds since 1970, or such as 2026-11-26T18:30:00Z; without a zone they are UTC.

    Raises:
        WrongInput: Of the first line that is none; names line, field, value and what was wanted.
    """
    try:
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise WrongInput(f"{file}: wanted a readable file of labels in UTF-8: {error}") from error
    rows = _json_rows(file, text) if file.suffix in (".jsonl", ".json") else _csv_rows(file, text)
    found = [_record(f"{file}, line {number}", row) for number, row in rows]
    if not found:
        raise WrongInput(f"{file}: no label in it, wanted at least one: {FORMS}")
    return found


def write_labels(labels: Iterable[SampleLabel], file: Path) -> None:
    """Writes a line for each sample, `not known` where it is not; `start` is UTC."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerow(COLUMNS)
        for one in labels:
            probability = "" if one.probability is None else f"{one.probability:.4f}"
            label = NOT_KNOWN if one.label is None else one.label
            given = "yes" if one.given else ""
            writer.writerow((one.sample_id, one.source_id, _iso(one.start_ns), label, probability, given))


def _csv_rows(file: Path, text: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    reader = csv.DictReader(io.StringIO(text), skipinitialspace=True)
    names = [name.strip() for name in reader.fieldnames or ()]
    if not {"sample_id", "label"} <= set(names) and not {"source_id", "start_s", "end_s", "label"} <= set(names):
        raise WrongInput(f"{file}, line 1: the columns are {', '.join(names) or 'none'}, wanted {FORMS}")
    reader.fieldnames = names
    for row in reader:
        values = {name: value.strip() for name, value in row.items() if isinstance(value, str) and value.strip()}
        if values:
            yield reader.line_num, values


def _json_rows(file: Path, text: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise WrongInput(f"{file}, line {number}: no JSON, wanted an object of {FORMS}: {error}") from error
        if not isinstance(row, dict):
            raise WrongInput(f"{file}, line {number}: {line[:50]!r}, wanted an object of {FORMS}")
        yield number, row


def _record(place: str, row: Mapping[str, object]) -> LabelRecord:
    if row.get("label") in (None, ""):
        raise WrongInput(f"{place}: label is missing, wanted {FORMS}")
    label = row["label"]
    if isinstance(label, bool) or not isinstance(label, str | int):
        raise WrongInput(f"{place}: label is {label!r}, wanted text or a whole number")
    times = {name: _ns(place, name, row[name]) for name in TIMES if name in row}
    try:
        return checked_label_record(
            LabelRecord(
                sample_id=_text(row.get("sample_id")),
                source_id=_text(row.get("source_id")),
                start_ns=times.get("start_s"),
                end_ns=times.get("end_s"),
                label=_label(label),
            )
        )
    except InvalidRecord as error:
        raise WrongInput(f"{place}: {error.detail}") from error


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _label(value: Label) -> Label:
    return value


def _ns(place: str, field: str, value: object) -> int:
    """Exactly: a float of today's seconds has room for a quarter of a microsecond only."""
    try:
        return round(Decimal(str(value)) * NS_PER_S)
    except (InvalidOperation, OverflowError, ValueError):
        pass
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError as error:
        wanted = "seconds since 1970, or a time such as 2026-11-26T18:30:00Z"
        raise WrongInput(f"{place}: {field} is {value!r}, wanted {wanted}") from error
    since = (at if at.tzinfo else at.replace(tzinfo=UTC)) - datetime(1970, 1, 1, tzinfo=UTC)
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1000


def _iso(ns: int) -> str:
    seconds, rest = divmod(ns, NS_PER_S)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest // 1_000_000:03d}Z"
