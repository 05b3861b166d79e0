"""Waiting for what another process or thread does: for a condition, never for so many seconds."""

import time
from collections.abc import Callable


def wait_until(
    is_so: Callable[[], bool],
    timeout_s: float,
    told: Callable[[], str] = lambda: "no more is known",
    is_hopeless: Callable[[], bool] = lambda: False,
    every_s: float = 0.05,
) -> None:
    """Returns as soon as it is so.

    Args:
        is_so: Asked again and again.
        timeout_s: Fails after so long: far more than it ever takes, since that costs nothing where all is well.
        told: What the failure says.
        is_hopeless: Whether it can no longer become so: fails at once.
        every_s: How often it is asked; less often where asking costs the machine what is waited for.
    """
    end_s = time.monotonic() + timeout_s
    while not is_so():
        # What ended may have done it just before.
        assert not is_hopeless() or is_so(), f"it can no longer become so: {told()}"
        assert time.monotonic() < end_s, f"not after {timeout_s:.0f} s: {told()}"
        time.sleep(every_s)
