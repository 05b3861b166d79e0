"""A user's program in small: follows the newest model and embeds every sample with it, until it is told to end."""

import logging
import signal
import sys
import threading
from collections import Counter
from pathlib import Path

from deploy.machine.logs import set_up_logging
from deploy.settings.config import load
from streams.broker.log import LogReader
from streams.follower import ModelFollower
from streams.messages.topic_names import TopicNames
from streams.records import Sample

log = logging.getLogger("consumer")

FOLLOWER_ID = "demo-consumer"


def main() -> None:
    """Takes the settings file as its only argument; SIGTERM ends it with exit code 0."""
    settings, stop = load(Path(sys.argv[1])), threading.Event()
    set_up_logging(settings.runtime.log_format)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    follower = ModelFollower(
        settings.broker,
        settings.registry.root,
        channel=settings.registry.channel,
        prefix=settings.topics.prefix,
        follower_id=FOLLOWER_ID,
        public_key=settings.registry.public_key_file,
        on_swap=lambda old, new: log.info("swapped model %d for %d", old, new),
    )
    embedded: Counter[int] = Counter()
    with follower, LogReader(settings.broker, TopicNames(settings.topics.prefix).samples) as reader:
        for message in reader.follow(stop):
            for sample in message.decoded(Sample)[0] if message and follower.version else ():
                embedding = follower.embed_sample(sample)
                embedded[follower.version] += len(embedding) > 0
    log.info("embedded samples by model version: %s", dict(embedded))


if __name__ == "__main__":
    main()
