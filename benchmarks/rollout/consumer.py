"""A user's program: embeds windows over and over with whatever version it is given.

    python -m benchmarks.rollout.consumer SETTINGS ID CACHE

Its log has a line for each swap.
"""

import logging
import signal
import sys
import threading
from collections import defaultdict
from pathlib import Path

import numpy as np

from deploy.machine.logs import set_up_logging
from deploy.recordings.watch import watch_recordings
from deploy.settings.config import load
from encoders.scaling import fit_scaling
from streams.follower import ModelFollower

log = logging.getLogger("consumer")

PAUSE_S = 0.05


def main() -> None:
    """SIGTERM ends it with exit code 0."""
    settings, follower_id, cache = load(Path(sys.argv[1])), sys.argv[2], sys.argv[3]
    set_up_logging(settings.runtime.log_format)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    follower = ModelFollower(
        settings.broker,
        settings.registry.root,
        channel=settings.registry.channel,
        prefix=settings.topics.prefix,
        follower_id=follower_id,
        cache=cache,
        on_swap=lambda old, new: log.info("version %d in place of %d", new, old),
    )
    windows, n_calls = own_windows(follower_id), 0
    with follower:
        while not stop.wait(PAUSE_S):
            if follower.version:
                follower.embed(windows)
                n_calls += 1
                if n_calls == 1:
                    log.info("the first vectors are of version %d", follower.version)
    log.info("%d calls, none failed", n_calls)


def own_windows(follower_id: str) -> dict[str, np.ndarray]:
    """The windows of one node, scaled by themselves; which one, the id says."""
    recordings = watch_recordings(4)
    source = recordings.sources[sum(follower_id.encode()) % len(recordings.sources)]
    windows: dict[str, list[np.ndarray]] = defaultdict(list)
    for one in recordings.visible:
        if one.source_id == source:
            windows[one.modality].append(one.values)
    stacked = {name: np.stack(values) for name, values in windows.items()}
    return {name: fit_scaling(values).apply(values) for name, values in stacked.items()}


if __name__ == "__main__":
    main()
