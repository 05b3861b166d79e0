"""Tables as they stand in files."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from deploy.tables.blocks import _blocks, head_of, read_table
from deploy.tables.samples import read_samples
from deploy.tables.table import TableError


def written(tmp_path: Path, text: str, name: str = "node-1.csv") -> Path:
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    return file


def complaint(file: Path) -> str:
    with pytest.raises(TableError) as caught:
        read_samples(file)
    return str(caught.value).removeprefix(str(file))


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_cells_are_read_whatever_stands_between_them(tmp_path: Path, delimiter: str) -> None:
    text = "\ufefftime,acc_x [g],note\n\n1,0.5,\n2,,x\n3,NA,\n".replace(",", delimiter)
    table = read_table(written(tmp_path, text))
    assert list(table.columns) == ["time", "acc_x [g]", "note"]
    np.testing.assert_array_equal(table.numbers("acc_x [g]"), [0.5, np.nan, np.nan])
    assert table.rows.tolist() == [3, 4, 5]
    assert not table.looks_numeric("note")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ": empty, wanted a row with the names of the columns"),
        ("time,ax\n", ": no rows, wanted at least one below the names of the columns"),
        ("1,2\n3,4\n", ", row 1: 1, 2: only numbers, wanted the names of the columns"),
        ("time,ax,ax\n1,2,3\n", ", row 1: column ax is there twice, wanted each name once"),
        ("time,ax\n1.5,2\n2.5\n", ", row 3: 1 cells, wanted 2, as many as row 1 has"),
        ("time,ax\n1.5,2\n2.5,2\n3.5,2\n3.6,oops\n", ", row 5, column ax: 'oops', wanted a number"),
        ("time,ax\n1.5,2\n1.4,2\n", ", row 3, column time: '1.4', wanted a time that is not before the one of"),
        ("time,ax\n1.5,2\n,2\n", ", row 3, column time: '', wanted a time"),
        ("time,ax\n2024-05-01T10:00:00,2\nnoon,2\n", ", row 3, column time: 'noon', wanted a time in ISO 8601"),
        (
            "time,ax\n1700000000,2\n1700000001,2\n1700000002000,2\n",
            ", row 4, column time: '1700000002000', wanted Unix",
        ),
        ("time,ax\n0,2\n20,2\n40,2\n", ", column time: whole numbers, 0 to 40, that are no Unix times: s, ms, us or"),
        ("when,ax\n0,2\n", ": no column of times among when, ax; wanted one called time, or --time"),
        ("time,name\n0.5,a\n", ": no column of values beside time; wanted at least one"),
        ("time,ax\n0.5,nan\n", ": no row with a number in every channel, wanted at least one"),
    ],
)
def test_what_is_wrong_is_named_with_its_place_and_what_was_wanted(tmp_path: Path, text: str, message: str) -> None:
    assert complaint(written(tmp_path, text)).startswith(message)


def test_a_csv_is_read_so_many_rows_at_a_time_with_the_same_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "time,ax,note\n" + "".join(f"{i}.5,{10**i},{'x' * i}\n\n" for i in range(7))
    whole = read_table(written(tmp_path, text))
    monkeypatch.setattr("deploy.tables.blocks.N_ROWS_AT_ONCE", 3)
    parts = read_table(written(tmp_path, text))
    assert parts.rows.tolist() == whole.rows.tolist() == list(range(2, 16, 2))
    assert {name: column.tolist() for name, column in parts.columns.items()} == {
        name: column.tolist() for name, column in whole.columns.items()
    }
    np.testing.assert_array_equal(parts.numbers("ax"), [10.0**i for i in range(7)])
    assert complaint(written(tmp_path, text + "7.5,oops,\n")).startswith(", row 16, column ax: 'oops', wanted a number")


def test_no_more_rows_are_strings_of_python_than_fit_one_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.tables.blocks.N_ROWS_AT_ONCE", 3)
    asked = 0

    def lines() -> Iterator[list[str]]:
        nonlocal asked
        for asked in range(1, 8):
            yield [str(asked)]

    ends = []
    for block in _blocks(Path("node-1.csv"), ["ax"], lines()):
        ends.append((asked, len(block.rows), len(block.columns["ax"])))
    assert ends == [(3, 3, 3), (6, 3, 3), (7, 1, 1)]


def test_the_head_ends_where_each_column_has_said_what_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.tables.blocks.N_ROWS_AT_ONCE", 3)
    monkeypatch.setattr("deploy.tables.blocks.N_LOOKED_AT", 2)
    rows = ["1,,NA", "2,,", "3,,a", "4,5,", "5,,b", "6,7,", "7,8,c", "a row that is too short", ""]
    head = head_of(written(tmp_path, "\n".join(["time,ax,note", *rows])))
    assert {name: column.tolist() for name, column in head.columns.items()} == {
        "time": ["1", "2", "3", "4", "5", "6"],
        "ax": ["", "", "", "5", "", "7"],
        "note": ["NA", "", "a", "", "b", ""],
    }


def test_a_binary_file_is_no_csv(tmp_path: Path) -> None:
    file = tmp_path / "some.csv"
    file.write_bytes(b"\xff\xfe\x00\x81")
    assert complaint(file).startswith(": not a CSV file")


def test_parquet_holds_the_same(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed: no Parquet here")
    from pyarrow import parquet

    times = [1_700_000_000_000_000_000 + i * 20_000_000 for i in range(3)]
    table = {"timestamp": pa.array(times, pa.timestamp("ns")), "ax": [1.0, None, 3.0], "node": ["a", "a", "a"]}
    file = tmp_path / "some.parquet"
    parquet.write_table(pa.table(table), file)
    (samples,) = read_samples(file).samples
    assert (samples.source_id, samples.times_ns.tolist()) == ("a", [times[0], times[2]])
    np.testing.assert_array_equal(samples.values[:, 0], [1.0, 3.0])
    file.write_bytes(b"PAR1 no table")
    assert complaint(file).startswith(": not a Parquet file")
