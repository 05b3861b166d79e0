from streams.recent import Recent, RecentKeys


def test_beyond_its_limit_the_first_goes_and_is_told() -> None:
    dropped: list[tuple[str, int]] = []
    last: Recent[str, int] = Recent(2, on_drop=lambda key, value: dropped.append((key, value)))
    for number, name in enumerate("abac"):
        last[name] = number
    assert dict(last) == {"b": 1, "c": 3}
    assert dropped == [("a", 2)]


def test_what_was_moved_to_the_end_stays_longer() -> None:
    last: Recent[str, int] = Recent(2)
    last["a"] = last["b"] = 0
    last.move_to_end("a")
    last["c"] = 0
    assert list(last) == ["a", "c"]


def test_a_default_counts_against_the_limit() -> None:
    last: Recent[str, int] = Recent(1)
    assert [last.setdefault("a", 1), last.setdefault("a", 2), last.setdefault("b", 3)] == [1, 1, 3]
    assert list(last) == ["b"]


def test_a_key_is_new_once_until_it_was_forgotten() -> None:
    known: RecentKeys[int] = RecentKeys(2)
    assert [known.note(number) for number in (1, 1, 2, 3, 1)] == [True, False, True, True, True]
    assert list(known) == [3, 1]
