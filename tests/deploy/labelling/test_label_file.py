"""Labels as people write them down."""

from pathlib import Path

import pytest

from deploy.errors import WrongInput
from deploy.labelling.label_file import read_labels, write_labels
from streams.records import LabelRecord, SampleLabel

S = 1_700_000_000


def read(tmp_path: Path, text: str, name: str = "labels.csv") -> list[LabelRecord]:
    (tmp_path / name).write_text(text)
    return read_labels(tmp_path / name)


def test_a_line_names_a_sample_or_a_source_and_a_time(tmp_path: Path) -> None:
    assert read(tmp_path, "sample_id,label\na@1, walks \n\nb@2,3\n") == [
        LabelRecord(sample_id="a@1", label="walks"),
        LabelRecord(sample_id="b@2", label="3"),
    ]
    text = f"source_id,start_s,end_s,label\nnode-7,{S}.000000001,2023-11-14T22:13:30Z,walks\n"
    expected = LabelRecord(source_id="node-7", start_ns=S * 10**9 + 1, end_ns=(S + 10) * 10**9, label="walks")
    assert read(tmp_path, text) == [expected]
    line = f'{{"source_id": "node-7", "start_s": {S}.000000001, "end_s": "2023-11-14T23:13:30+01:00", "label": 3}}'
    (found,) = read(tmp_path, line.replace(".000000001", ""), "labels.jsonl")
    assert (found.start_ns, found.end_ns, found.label) == (S * 10**9, (S + 10) * 10**9, 3)


WRONG = {
    "no columns": ("a@1,walks\n", r"labels\.csv, line 1: the columns are a@1, walks, wanted sample_id,label or"),
    "no label": ("sample_id,label\na@1,\n", r"line 2: label is missing"),
    "no time": (
        f"source_id,start_s,end_s,label\nn,{S},,w\n",
        r"line 2: sample_id: empty: only source_id, start_ns",
    ),
    "nonsense for a time": (
        f"source_id,start_s,end_s,label\nn,{S},noon,w\n",
        r"line 2: end_s is 'noon', wanted seconds since 1970, or a time such as",
    ),
    "an end before its start": (
        f"source_id,start_s,end_s,label\nn,{S},{S},w\n",
        r"line 2: end_ns: .*wanted later",
    ),
    "NaN": (f"source_id,start_s,end_s,label\nn,{S},nan,w\n", r"line 2: end_s is 'nan', wanted seconds"),
    "nothing": ("sample_id,label\n", r"no label in it, wanted at least one"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_no_label_is_told_with_its_line_and_what_was_wanted(tmp_path: Path, what: str) -> None:
    text, complaint = WRONG[what]
    with pytest.raises(WrongInput, match=complaint):
        read(tmp_path, text)


def test_json_lines_that_are_none_are_told_too(tmp_path: Path) -> None:
    for line, complaint in (
        ("[1]", "wanted an object"),
        ("{", "no JSON"),
        ('{"sample_id": "a", "label": true}', "label is True, wanted text or a whole number"),
        ('{"sample_id": "a", "source_id": "b", "label": "w"}', "wanted one or the other"),
    ):
        with pytest.raises(WrongInput, match=complaint):
            read(tmp_path, line, "labels.jsonl")


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(WrongInput, match=r"gone\.csv: wanted a readable file"):
        read_labels(tmp_path / "gone.csv")


def test_what_is_not_known_is_written_so(tmp_path: Path) -> None:
    unknown = SampleLabel(sample_id="b", source_id="t, u", start_ns=S * 10**9)
    known = SampleLabel(sample_id="a", source_id="s", start_ns=1_500_000, label="walks", probability=0.5, given=True)
    write_labels([known, unknown], tmp_path / "new" / "out.csv")
    assert (tmp_path / "new" / "out.csv").read_text().splitlines() == [
        "sample_id,source_id,start,label,probability,given",
        "a,s,1970-01-01T00:00:00.001Z,walks,0.5000,yes",
        'b,"t, u",2023-11-14T22:13:20.000Z,not known,,',
    ]
