"""What a picture makes of the messages that services write."""

import pytest

from deploy.top.flow import Flow
from deploy.top.told import told
from streams.messages.message import Message
from tests.support.pictures import NOW_MS, OTHER, SHARED, WITNESS, Scene, arrived
from tests.support.reports import binding


def test_knows_each_node_by_its_samples() -> None:
    scene = Scene().samples("a", 4, (SHARED, WITNESS), (SHARED,)).samples("b", 20, held_out=True)
    a, b = (scene.picture.nodes[name] for name in "ab")
    assert a.modalities == tuple(sorted((SHARED, WITNESS)))
    assert (a.n_watched, a.n_whole, a.n_single, a.is_held_out) == (4, 2, 2, False)
    assert (b.n_whole, b.n_single, b.is_held_out) == (20, 0, True)
    assert scene.picture.share("whole") == pytest.approx(22 / 24)
    assert scene.picture.share("single") == pytest.approx(2 / 24)
    assert [one.source_id for one in scene.picture.busiest] == ["b", "a"]


def test_what_a_node_sent_long_ago_is_no_rate() -> None:
    scene = Scene().samples("a", 20).samples("b", 20, ago_s=100)
    assert scene.picture.rate(scene.picture.nodes["a"]) == pytest.approx(1.1)
    assert scene.picture.rate(scene.picture.nodes["b"]) == 0
    assert scene.picture.samples.total == 40


def test_a_second_sensor_is_one_that_two_nodes_have_and_that_does_not_bind() -> None:
    scene = Scene().samples("a").samples("b", 10, (SHARED, OTHER)).samples("c", held_out=True)
    assert scene.picture.second_sensors == []
    assert scene.samples("d").picture.second_sensors == [WITNESS]


def test_a_node_whose_sensors_come_together_has_clocks_that_agree() -> None:
    scene = Scene().samples("a", 30).samples("lossy", 30, (SHARED, WITNESS), (SHARED,))
    apart = Scene().samples("apart", 30, (SHARED,), (WITNESS,)).picture.nodes["apart"]
    assert [node.clock_gap_s for node in scene.picture.nodes.values()] == [0, 0]
    assert apart.clock_gap_s == 1
    assert Scene().samples("young", 7, (SHARED,), (WITNESS,)).picture.nodes["young"].clock_gap_s == 0


def test_only_first_bindings_count_as_pairs() -> None:
    scene = Scene().bindings(3).bindings(2, "withheld")
    scene.note(arrived(scene._outbox.bindings([binding("a@0", ("b@0", 1.0), again=1)]), NOW_MS))
    assert (scene.picture.bindings.total, scene.picture.pairs.total) == (5, 5)
    assert scene.picture.outcomes == {"bound": 3, "withheld": 2}


def test_what_is_no_record_changes_nothing() -> None:
    scene = Scene.well()
    before = told(scene.picture)
    for topic in (scene.picture.names.pairs, scene.picture.names.models, scene.picture.names.followers):
        scene.picture.note(Message(topic, 0, 99, b"\xff", b"\xc1 no record", (), NOW_MS))
    after = told(scene.picture)
    assert {name for name in after if after[name] != before[name]} <= {"bindings", "pairs"}
    assert after["bindings"]["total"] == before["bindings"]["total"]


def test_messages_that_were_passed_over_are_reckoned_with() -> None:
    flow = Flow()
    for second in range(10):
        flow.note(NOW_MS - 1000 * second, n_records=5)
    assert (flow.total, flow.is_whole) == (50, True)
    assert flow.per_s(NOW_MS) == pytest.approx(50 / 9)
    flow.note_skipped(90)
    assert (flow.total, flow.is_whole) == (500, False)
    assert flow.per_s(NOW_MS) == pytest.approx(50 / 9)
    flow.note_skipped(10, NOW_MS)
    assert flow.per_s(NOW_MS) == pytest.approx(100 / 9)
    assert flow.per_s(NOW_MS + 60_000) == 0


def test_a_busy_stream_takes_no_more_memory() -> None:
    flow = Flow()
    for second in range(5_000):
        flow.note(1000 * second)
    assert len(flow._records) + len(flow._messages) < 50
