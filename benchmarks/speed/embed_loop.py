"""An embedder written by hand around a ModelFollower: `python -m benchmarks.speed.embed_loop loop_N FILE.json`.

Up to N samples of what a poll gave are embedded together, and one message goes out for each.
"""

import sys
from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.speed.hand_loop import Out, loop, settings_in
from benchmarks.speed.workload import as_a_worker_does
from streams.follower import ModelFollower
from streams.messages.codec import decode_many, encode
from streams.messages.topic_names import TopicNames
from streams.records import Sample
from streams.settings import StreamSettings


def run(settings: StreamSettings, at_once: int) -> None:
    """Works until SIGTERM."""
    prefix = settings.topics.prefix
    names = TopicNames(prefix)
    follower = ModelFollower(settings.broker, settings.registry.root, prefix=prefix)
    follower.start()
    follower.wait_for(1, 60)

    def embedded(messages: Sequence[Any]) -> Iterator[Out]:
        samples = [sample for one in messages for sample in decode_many(one.value, Sample)]
        for start in range(0, len(samples), at_once):
            for one in follower.embed_samples(samples[start : start + at_once]):
                yield Out(names.embeddings, one.source_id.encode(), encode(one))

    loop(settings, names.samples, at_once, embedded)


if __name__ == "__main__":
    as_a_worker_does()
    run(settings_in(sys.argv[2]), int(sys.argv[1].removeprefix("loop_")))
