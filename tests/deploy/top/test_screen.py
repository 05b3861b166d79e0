"""What a person sees: it fits, whatever the nodes call themselves, and says what counts."""

import itertools

import pytest
from rich.cells import cell_len

from deploy.top.plain_lines import PlainLines
from deploy.top.screen import text_of
from streams.models.channels import ChannelView, decision_record, move_record, version_record
from streams.records import Decision
from tests.support.models import bundle
from tests.support.pictures import OTHER, SHARED, WELL, WITNESS, Scene


def published(*decisions: bool) -> list[tuple[bytes, bytes]]:
    """So many versions, judged; those that passed become the stable one."""
    view = ChannelView()
    records: list[tuple[bytes, bytes]] = []
    for version, passed in enumerate(decisions, 1):
        made = version_record(bundle(version).manifest)
        judged = decision_record(Decision(version=version, passed=passed, reason="gravity has collapsed " * 9))
        moved = move_record(view, "stable", version, "it passed", "gate", 1)
        for record in (made, judged, moved) if passed else (made, judged):
            view.apply(*record, len(records))
            records.append(record)
    return records


def crowd(n_nodes: int) -> Scene:
    scene = Scene().models(*published(False, True, True, False, True)).bindings().refused("rude\x1b[31m-node", 3)
    for at in range(n_nodes):
        name = f"node-{at}-in-the-fourth-room-on-the-left" if at % 2 else f"節點-{at}\x1b[2J"
        scene.samples(name, 2 + at % 5, (SHARED, WITNESS, OTHER), (SHARED,), held_out=at % 7 == 0)
    return scene


@pytest.mark.parametrize(
    ("size", "n_nodes"),
    list(itertools.product([(80, 24), (40, 12), (100, 30), (200, 70)], [0, 1, 7, 40])),
)
def test_fits_the_terminal_and_obeys_no_node(size: tuple[int, int], n_nodes: int) -> None:
    width, height = size
    lines = text_of(crowd(n_nodes).picture, width, height).splitlines()
    assert len(lines) <= height, len(lines)
    assert max(map(cell_len, lines)) <= width
    assert "\x1b" not in "".join(lines)


def test_says_on_a_small_terminal_how_it_stands() -> None:
    seen = text_of(crowd(40).picture, 80, 24)
    for words in (
        "of 40 nodes",
        "version 5",
        "v5 ",
        "passed, served",
        "3 shape",
        "nodes more",
        "held out",
        "80% of best",
    ):
        assert words in seen, f"{words!r} is not in\n{seen}"


def test_shows_the_busiest_of_many_nodes_and_counts_the_others() -> None:
    scene = Scene()
    for at in range(40):
        scene.samples(f"slow-{at}", 1)
    seen = text_of(scene.samples("quick", 8).picture, 100, 60)
    assert seen.index("quick") < seen.index("slow-0 ")
    assert "and 26 nodes more" in seen
    assert seen.count("slow-") == 14


def test_a_plain_line_has_only_what_changed() -> None:
    lines, scene = PlainLines(), Scene.well()
    assert lines.line(scene.picture).startswith("windows: 400; samples: 30 of 3 nodes; rate: ")
    assert lines.line(scene.picture) == ""
    assert lines.line(scene.answer(WELL | {"mmbind_windows_total": 500.0}).picture) == "windows: 500"
