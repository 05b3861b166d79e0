import threading

import pytest

from streams.worker.mailbox import Mailbox, WantedModel

ONE, TWO = WantedModel(1, dict), WantedModel(2, dict)


def waiting(mailbox: Mailbox) -> tuple[threading.Thread, list[BaseException | None]]:
    """A thread that waits for the wanted model, and how that ended."""
    ended: list[BaseException | None] = []

    def wait() -> None:
        try:
            mailbox.wait()
        except Exception as error:
            ended.append(error)
        else:
            ended.append(None)

    thread = threading.Thread(target=wait)
    thread.start()
    return thread, ended


def test_who_put_a_model_in_waits_until_it_is_in_use() -> None:
    mailbox = Mailbox()
    mailbox.put(ONE)
    thread, ended = waiting(mailbox)
    assert thread.is_alive()
    mailbox.settle(ONE)
    thread.join(5)
    assert (ended, mailbox.in_use) == ([None], ONE)


def test_a_refused_model_is_told_and_the_one_before_it_is_wanted_again() -> None:
    mailbox = Mailbox()
    mailbox.put(ONE)
    mailbox.settle(ONE)
    mailbox.put(TWO)
    thread, ended = waiting(mailbox)
    mailbox.refuse(TWO, error := ValueError("no good"))
    thread.join(5)
    assert ended == [error]
    assert mailbox.wanted is mailbox.in_use is ONE


def test_a_late_refusal_of_an_older_model_says_nothing_of_the_newer_one() -> None:
    mailbox = Mailbox()
    mailbox.put(ONE)
    mailbox.put(TWO)
    mailbox.refuse(ONE, ValueError("no good"))
    assert mailbox.wanted is TWO
    mailbox.settle(TWO)
    mailbox.wait()


def test_nobody_waits_once_it_is_closed() -> None:
    mailbox = Mailbox()
    mailbox.put(ONE)
    thread, ended = waiting(mailbox)
    mailbox.close()
    thread.join(5)
    assert [str(one) for one in ended] == ["the worker stops"]
    with pytest.raises(RuntimeError, match="stops"):
        mailbox.wait()


def test_a_change_elsewhere_on_the_way_is_seen_by_who_waits_for_it() -> None:
    mailbox = Mailbox()
    seen: list[int] = []

    def tell() -> None:
        with mailbox.changed:
            seen.append(1)
            mailbox.changed.notify_all()

    threading.Timer(0.01, tell).start()
    assert mailbox.wait_until(lambda: bool(seen), timeout_s=10)
    assert not mailbox.wait_until(lambda: len(seen) > 1, timeout_s=0.01)
