"""The book of sources against the plain search that it saves."""

import numpy as np

from trainer.replay.sources import SourceBook


def test_gives_up_the_oldest_of_the_fullest_source_whatever_came_before() -> None:
    rng, book = np.random.default_rng(0), SourceBook()
    plain: dict[str, list[str]] = {}
    for number in range(2000):
        if plain and rng.random() < 0.45:
            fullest = max(sorted(plain), key=lambda source: len(plain[source]))
            oldest = plain[fullest].pop(0)
            if not plain[fullest]:
                del plain[fullest]
            assert book.pop_oldest() == oldest
        elif plain and rng.random() < 0.02:
            gone = sorted(plain)[int(rng.integers(len(plain)))]
            assert book.pop(gone) == plain.pop(gone)
        else:
            source = f"node-{int(rng.integers(30)):02d}"
            book.add(source, f"{source}@{number}")
            plain.setdefault(source, []).append(f"{source}@{number}")
        assert book.ids == plain
        assert book.names == sorted(plain)


def test_knows_where_a_source_stands() -> None:
    book = SourceBook()
    for source in "bda":
        book.add(source, source)
    assert [book.place_of(source) for source in "abcd"] == [0, 1, None, 2]


def test_remembers_no_more_sizes_than_it_has_use_for() -> None:
    book = SourceBook()
    for number in range(5000):
        book.add(f"node-{number % 3}", str(number))
        if number > 20:
            book.pop_oldest()
    assert len(book._fullest) <= 4 * 3 + 65
