"""A version's way to its consumers, as an operator sees it: good ones, bad ones, and the operator's own hand.

    python -m benchmarks.rollout [--consumers 5] [--record FILE.svg] [--json FILE]

Real recordings, through Apache Kafka of KAFKA_HOME or the embedded broker; worker, trainer and consumers are processes
of their own. Ends with an error if anything does not happen as it is told. Some four minutes.
"""

import argparse
import os
import signal
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from benchmarks.command_line import parser_of, write_json
from benchmarks.rollout.fleet import Fleet
from benchmarks.rollout.story import Story
from benchmarks.rollout.terminal import Terminal
from deploy.recordings.recordings import Recordings
from deploy.recordings.watch import watch_recordings
from streams.records import SensorWindow


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line as read."""
    parser = parser_of(__doc__)
    parser.add_argument("--consumers", type=int, default=5, help="programs that embed all the time, 2 at least")
    parser.add_argument("--record", type=Path, help="where the terminal's text goes; a picture if it ends in .svg")
    return parser.parse_args(given)


def sent(recordings: Recordings) -> list[SensorWindow]:
    """What the nodes send: those of the two people who are held out, to judge, are labelled."""
    unseen = recordings.held_out
    return [one if one.source_id in unseen else replace(one, label=None) for one in recordings.visible]


def main(given: Sequence[str] | None = None) -> None:
    """Plays all acts, shows each command and what it says, and writes the record."""
    asked = arguments(given)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # or the processes would outlive us
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    recordings = watch_recordings()
    seconds: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="mmbind-rollout-") as name:
        fleet = Fleet(recordings, Path(name), asked.consumers)
        terminal = Terminal({"MMBIND_CONFIG": str(fleet.settings_file)}, Path(name))
        try:
            with fleet:
                story = Story(fleet, terminal, sent(recordings))
                acts = (story.good_version, story.bad_version, story.only_consumers_find_out, story.operator)
                for act in (*acts, story.broker_away):
                    began_s = time.monotonic()
                    act()
                    seconds[act.__name__] = round(time.monotonic() - began_s, 1)
        finally:
            if asked.record:
                terminal.write(asked.record)
    if asked.json:
        write_json({"broker": fleet.broker.name, "seconds": seconds}, asked.json)
