"""Tables so many rows at a time: what comes out is the same, and text of a file is not held."""

from pathlib import Path

import numpy as np
import pytest

from deploy.tables.blocks import blocks_of, head_of, read_table
from deploy.tables.columns import Columns, layout_of
from deploy.tables.samples import RawSamples, _of_use, read_samples
from deploy.tables.times import has_dates

T0 = 1_700_000_000
WIDE = "time,ax,ay,note,activity\n" + "".join(f"{T0 + i / 8},{i},{i / 3},{'x' * i},a{i // 4}\n" for i in range(8))
LONG = "time,node,sensor,x,y,w\n" + "".join(
    f"{T0 + i},node-{'1' * (i % 3 + 1)},{'accel' if i < 6 else 'quat'},{i},{i}.5,{i if i >= 6 else ''}\n"
    for i in range(12)
)
# Whole numbers and others in one column, beyond what float64 knows.
MIXED = "time,ax\n" + "".join(f"{T0 + i}{'000000001' if i % 4 else '000000001.0'},{i}\n" for i in range(8))
WHOLE = "time,ax\n" + "".join(f"{T0}00000000{i},{i}\n" for i in range(8))
DATES = "time,ax\n" + "".join(f"2026-01-01T00:00:0{i}.25+01:00,{i}\n" for i in range(8))


def told(samples: RawSamples) -> tuple[object, ...]:
    labels = None if samples.labels is None else samples.labels.tolist()
    whose = (samples.source_id, samples.modality, samples.channels, labels, samples.n_dropped, samples.n_repeated)
    return (*whose, samples.times_ns.tolist(), samples.values.tobytes())


@pytest.mark.parametrize("text", [WIDE, LONG, MIXED, WHOLE, DATES], ids=["wide", "long", "mixed", "whole", "dates"])
def test_the_samples_are_the_same_however_many_rows_are_read_at_a_time(
    tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "node-1.csv"
    file.write_text(text)
    monkeypatch.setattr("deploy.tables.blocks.N_LOOKED_AT", 2)
    whole = read_samples(file)
    monkeypatch.setattr("deploy.tables.blocks.N_ROWS_AT_ONCE", 3)
    parts = read_samples(file)
    assert list(parts.lines()) == list(whole.lines())
    assert [told(one) for one in parts.samples] == [told(one) for one in whole.samples]


def test_a_sensor_that_begins_late_has_all_its_channels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "node-1.csv"
    file.write_text(LONG)
    monkeypatch.setattr("deploy.tables.blocks.N_ROWS_AT_ONCE", 3)
    channels = {one.modality: one.channels for one in read_samples(file).samples}
    assert channels == {"accelerometer": ("x", "y"), "orientation": ("x", "y", "w")}


@pytest.mark.parametrize(("text", "kind"), [(WIDE, "f"), (WHOLE, "i"), (DATES, "M")], ids=["wide", "whole", "dates"])
def test_no_text_is_held_of_times_and_values_nor_anything_of_what_is_passed_over(
    tmp_path: Path, text: str, kind: str
) -> None:
    file = tmp_path / "node-1.csv"
    file.write_text(text)
    head = head_of(file)
    layout, is_dates = layout_of(head, Columns()), has_dates(head, "time")
    held = read_table(file, lambda block: _of_use(block, layout, is_dates)).columns
    assert held["time"].dtype.kind == kind and held["ax"].dtype == np.float64
    assert set(held) == {"time", "ax"} | ({"ay", "activity"} if text is WIDE else set())


def test_parquet_comes_in_batches_numbered_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed: no Parquet here")
    from pyarrow import parquet

    file = tmp_path / "some.parquet"
    columns = {"time": [T0 + i / 8 for i in range(8)], "ax": [None, *range(7)], "who": pa.array(["n"] * 8)}
    parquet.write_table(pa.table(columns), file, row_group_size=5)
    whole = read_samples(file)
    monkeypatch.setattr("deploy.tables.blocks.N_ROWS_AT_ONCE", 3)
    rows = [block.rows.tolist() for block in blocks_of(file)]
    assert max(map(len, rows)) == 3 and [one for some in rows for one in some] == list(range(1, 9))
    assert [told(one) for one in read_samples(file).samples] == [told(one) for one in whole.samples]
    parquet.write_table(pa.table({"time": pa.array([], pa.float64())}), file)
    assert [len(block.rows) for block in blocks_of(file)] == [0]
