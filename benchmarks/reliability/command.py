"""Predicted against true pair precision, without labels and with them.

    python -m benchmarks.reliability [--sets watch,utd,mhealth,mex] [--seeds 1] [--descriptor auto]
        [--json FILE] [--figure FILE]

Streams recordings through the core with the default settings and generation 0. The estimate reads no label; the truth
comes in afterwards. Both are of the last round: of the samples that were asked together at the end. The demo's
recordings come with a package; UTD-MHAD in the four rotations of roles of the standard experiment, MHEALTH and MEx are
found through MMBIND_TEST_DATA; so is HuGaDB, on which nothing was tuned, but only by `--sets hugadb`. "rotated": each
source wears the sensor that binds at an angle of its own; "noise": that sensor tells nothing; "noisy witness", "no
witness": the others tell nothing, or are not there.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks.command_line import add_sets, parser_of, write_json
from benchmarks.data_sets import UNSEEN
from benchmarks.reliability.comparison import bands_by_data, compare
from benchmarks.reliability.data import SETS, streams_of
from benchmarks.reliability.table import heading, line_of, summary_lines


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line as read: the sets, the number of draws, the descriptor, where figures and picture go."""
    parser = parser_of(__doc__)
    add_sets(parser, SETS, UNSEEN)
    parser.add_argument("--seeds", type=int, default=1, help="draws of rotations and of noise")
    parser.add_argument("--descriptor", default="auto", help="binding.descriptor")
    parser.add_argument("--figure", type=Path)
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> None:
    """Prints a line for each stream as soon as it is bound, and what they come to; writes figures and picture."""
    asked = arguments(given)
    streams = []
    print(heading())
    for name in asked.sets:
        for stream in streams_of(name, asked.seeds):
            streams.append(compare(stream, asked.descriptor))
            print(line_of(streams[-1]), flush=True)
    print("\n".join(summary_lines(streams)))
    if asked.json:
        write_json({"streams": [one.figures() for one in streams], "bands": bands_by_data(streams)}, asked.json)
    if asked.figure:
        from benchmarks.reliability.figure import draw_reliability

        draw_reliability(streams, asked.figure)
