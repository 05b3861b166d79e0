"""A user's program, a gateway of several nodes: embeds their windows with whatever version it is given.

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

PAUSE_S, ROWS = 0.05, 8


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
    nodes, rng, n_calls = scaled_windows(), np.random.default_rng(list(follower_id.encode())), 0
    with follower:
        while not stop.wait(PAUSE_S):
            if follower.version:
                windows = nodes[rng.integers(len(nodes))]
                some = rng.integers(min(map(len, windows.values())), size=ROWS)
                follower.embed({name: values[some] for name, values in windows.items()})
                n_calls += 1
                if n_calls == 1:
                    log.info("the first vectors are of version %d", follower.version)
    log.info("%d calls, none failed", n_calls)


def scaled_windows() -> list[dict[str, np.ndarray]]:
    """The windows of each node `[N, T, C]` by modality, row by row of the same moments, scaled by themselves."""
    windows: dict[str, dict[str, list[np.ndarray]]] = defaultdict(lambda: defaultdict(list))
    for one in watch_recordings().visible:
        windows[one.source_id][one.modality].append(one.values)
    stacked = [{name: np.stack(values) for name, values in one.items()} for one in windows.values()]
    return [{name: fit_scaling(values).apply(values) for name, values in one.items()} for one in stacked]


if __name__ == "__main__":
    main()
