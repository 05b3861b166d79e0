from streams.worker.stall import StallWatch


def test_no_progress_for_a_minute_while_work_waits_is_a_stall() -> None:
    watch = StallWatch(60.0)
    assert watch.reason(0.0, 5, 100) == ""
    assert watch.reason(59.0, 25, 100) == ""
    assert watch.reason(60.0, 25, 100) == "no progress for 60 s, and 25 messages wait"


def test_lag_need_not_grow_to_be_a_stall() -> None:
    watch = StallWatch(60.0)
    assert [watch.reason(now_s, 7, 100) != "" for now_s in (0.0, 50.0, 61.0)] == [False, False, True]


def test_progress_begins_the_minute_anew() -> None:
    watch = StallWatch(60.0)
    watch.reason(0.0, 5, 100)
    assert watch.reason(61.0, 25, 101) == ""
    assert watch.reason(100.0, 40, 101) == ""
    assert watch.reason(121.0, 40, 101) != ""


def test_a_quiet_topic_is_no_stall() -> None:
    watch = StallWatch(60.0)
    assert [watch.reason(now_s, 0, 100) for now_s in (0.0, 100.0)] == ["", ""]
    assert watch.reason(130.0, 3, 100) == ""
    assert watch.reason(159.0, 3, 100) == ""
