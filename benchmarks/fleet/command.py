"""What each disorder of real fleets costs in pair precision, and what a rotation-tolerant descriptor gives back.

    python -m benchmarks.fleet [--sets watch,utd,mhealth] [--descriptors auto,oriented,rotation-tolerant]
        [--disorders A,B] [--seeds 5] [--json FILE]

The watch recordings, and UTD-MHAD and MHEALTH where MMBIND_TEST_DATA names a folder that holds them. All samples in an
order drawn for each seed are bound through the product's pipeline from an empty history on; labels only judge whether
each sample's best partner is right. Differences are to the undisturbed stream in the same order with the same
descriptor, once of all samples and once of those whose windows were changed.
"""

import argparse
from collections.abc import Sequence

from rich.console import Console

from benchmarks.command_line import add_sets, parser_of, progress_bar, some_of, write_json
from benchmarks.fleet.data import SETS, in_random_order, read_pair
from benchmarks.fleet.disorders import DISORDERS
from benchmarks.fleet.figures import DESCRIPTORS, measure
from benchmarks.fleet.table import table
from benchmarks.slots import by_sample


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line as read: lists of known names, the number of seeds, where the figures go."""
    parser = parser_of(__doc__)
    add_sets(parser, SETS)
    parser.add_argument("--descriptors", type=some_of(DESCRIPTORS), default="")
    parser.add_argument(
        "--disorders", type=some_of(DISORDERS), default="", help=f"of: {'; '.join(DISORDERS)}".replace("%", "%%")
    )
    parser.add_argument("--seeds", type=int, default=5)
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> None:
    """Binds every disturbed stream, prints a table a set, writes the figures."""
    asked = arguments(given)
    sets = {name: read_pair(name) for name in asked.sets}
    with progress_bar() as progress:
        figures = measure(sets, asked.descriptors, asked.disorders, asked.seeds, progress)
    for name, by_descriptor in figures.items():
        n_samples = len(by_sample(in_random_order(sets[name], 0)))
        Console().print(table(name, n_samples, by_descriptor))
    if asked.json:
        write_json({"seeds": asked.seeds, "sets": figures}, asked.json)
