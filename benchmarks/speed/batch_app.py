"""A hand-written app for the plain job: `python -m benchmarks.speed.batch_app batch FILE.json`.

What a poll gave is decoded, embedded, looked for and inserted together, and one message goes out for each window.
"""

import sys
from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.speed.faust_apps import PlainJob
from benchmarks.speed.hand_loop import Out, loop, settings_in
from streams.messages.codec import split
from streams.messages.topic_names import TopicNames
from streams.settings import StreamSettings

BATCH = 64


def run(settings: StreamSettings) -> None:
    """Works until SIGTERM."""
    names, job = TopicNames(settings.topics.prefix), PlainJob(settings)

    def bound(messages: Sequence[Any]) -> Iterator[Out]:
        raws = [(one.key, raw) for one in messages for raw in split(one.value)]
        for start in range(0, len(raws), BATCH):
            part = raws[start : start + BATCH]
            for (key, _), value in zip(part, job.run([raw for _, raw in part]), strict=True):
                yield Out(names.pairs, key, value)

    loop(settings, names.windows(settings.shared_modality), BATCH, bound)


if __name__ == "__main__":
    run(settings_in(sys.argv[2]))
