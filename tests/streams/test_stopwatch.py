import itertools

from streams.binder import Binder
from streams.stopwatch import Stopwatch
from streams.testing import SyntheticWorld

WORLD = SyntheticWorld(n_sources=4, n_classes=3)


def test_adds_up_the_seconds_of_each_part_until_asked() -> None:
    watch = Stopwatch(iter([0.0, 1.0, 5.0, 7.0, 10.0, 10.5]).__next__)
    for part in ("embed", "search", "embed"):
        with watch.timed(part):
            pass
    assert watch.taken() == {"embed": 1.5, "search": 2.0}
    assert watch.taken() == {}


def test_without_a_clock_nothing_is_counted() -> None:
    watch = Stopwatch()
    with watch.timed("embed"):
        pass
    assert watch.taken() == {}


def test_a_binder_tells_what_embedding_and_search_took_and_binds_the_same() -> None:
    watch = Stopwatch(map(float, itertools.count()).__next__)
    settings, samples = WORLD.settings(), list(WORLD.samples(8))
    timed, plain = Binder(settings, stopwatch=watch), Binder(settings)
    assert timed.observe(samples) == plain.observe(samples)
    seconds = watch.taken()
    assert set(seconds) == {"embed", "search"}
    assert min(seconds.values()) > 0
    build = timed.begin_build(1, None)
    build.run()
    assert watch.taken() == {}
