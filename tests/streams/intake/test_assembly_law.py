"""Whatever order windows come in, each ends in one group, and complete topics give the same groups."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from streams.intake.group import Group
from tests.support.arrivals import GRACE, arrival, assembler, told

WINDOWS = st.lists(
    st.tuples(st.sampled_from("xy"), st.sampled_from("abc"), st.integers(0, 12), st.sampled_from([0.0, 0.1, -0.3])),
    unique=True,
    max_size=40,
)


@given(windows=WINDOWS, waits=st.lists(st.integers(0, GRACE), min_size=40, max_size=40))
def test_in_any_order_each_window_ends_in_one_group_and_each_id_comes_once(
    windows: list[tuple[str, str, int, float]], waits: list[int]
) -> None:
    one, now = assembler("abc"), 0
    groups: list[Group] = []
    sent = []
    for (source, modality, slot, jitter), wait in zip(windows, waits, strict=False):
        now += wait
        groups += one.tick(now)
        sent.append(arrival(modality, slot + 1 + jitter, source))
        groups += one.add(sent[-1], now)
    groups += one.tick(now + GRACE)
    ended = Counter(id(each) for group in groups for each in group.arrivals)
    assert ended == Counter(id(each) for each in sent)
    assert max(Counter(group.sample_id for group in groups).values(), default=1) == 1
    assert one.n_open == 0


@given(st.data())
def test_complete_topics_read_in_any_interleaving_give_the_same_full_groups(data: st.DataObject) -> None:
    topics = {name: [arrival(name, slot + 1) for slot in range(8)] for name in "abc"}
    order = data.draw(st.permutations([name for name in "abc" for _ in range(8)]))
    one = assembler("abc")
    groups = [group for name in order for group in one.add(topics[name].pop(0), 0)]
    assert sorted(told(groups)) == sorted(f"{slot + 1}abc" for slot in range(8))
