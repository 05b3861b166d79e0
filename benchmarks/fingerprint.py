"""Does a change of the code change what comes out? Hashes of the Bindings and of the last version's weights.

    python -m benchmarks.fingerprint [--sets watch,utd] [--steps 200] [--seed 0] [--json FILE]

The watch recordings, and UTD-MHAD where MMBIND_TEST_DATA names a folder that holds it, go through the whole loop in
this process, as `mmbind replay --offline` does it, with one thread and a fixed seed. Printed are the sha256 of all
Bindings, encoded and sorted, and that of the last version's weights. Two checkouts that print the same behave the same,
to the last bit, on the same machine; another processor or library may give others.
"""

import argparse
import hashlib
import tempfile
from collections.abc import Iterable, Sequence
from typing import Any

import torch

from benchmarks.command_line import add_sets, parser_of, write_json
from benchmarks.data_sets import UTD, WATCH, read_data_set
from deploy.recordings.recordings import Recordings, restrict
from deploy.replay.loop import Loop
from deploy.replay.plan import ReplayPlan
from streams.messages.codec import encode
from streams.models.registry import Registry

# As in the standard experiment: two lack one sensor, two the other; two more have all and are held out.
UTD_HIDDEN = [f"subject-{number}:{'gyroscope' if number % 2 else 'skeleton'}" for number in range(1, 7)]
UTD_HELD_OUT = ["subject-7", "subject-8"]


def recordings_of(name: str) -> Recordings:
    """The recordings of a set, with sensors hidden so that there is something to bind."""
    recordings = read_data_set(name)
    return restrict(recordings, UTD_HIDDEN, UTD_HELD_OUT) if name == UTD else recordings


def digest(parts: Iterable[bytes]) -> str:
    """One sha256 over all parts, whatever their order."""
    whole = hashlib.sha256()
    for part in sorted(parts):
        whole.update(len(part).to_bytes(8, "big"))
        whole.update(part)
    return whole.hexdigest()


def fingerprint(recordings: Recordings, steps: int, seed: int) -> dict[str, Any]:
    """What came of a replay: how many Bindings and versions, and their hashes."""
    settings = ReplayPlan(recordings, seed=seed, train_steps=steps).settings()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        loop = Loop(settings, Registry(folder))
        loop.replay(recordings.visible)
    last = max(loop.weights)
    weights = (
        f"{modality}/{name}:".encode() + array.tobytes()
        for modality, arrays in loop.weights[last].items()
        for name, array in arrays.items()
    )
    return {
        "bindings": len(loop.bindings),
        "bindings_sha256": digest(encode(binding) for binding in loop.bindings),
        "versions": last,
        "followed": loop.followed,
        "weights_sha256": digest(weights),
    }


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line as read: the sets, the steps of training and the seed."""
    parser = parser_of(__doc__)
    add_sets(parser, (WATCH, UTD))
    parser.add_argument("--steps", default=200, type=int)
    parser.add_argument("--seed", default=0, type=int)
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> None:
    """Replays the sets, prints a line for each, writes the same as JSON."""
    asked = arguments(given)
    found = {name: fingerprint(recordings_of(name), asked.steps, asked.seed) for name in asked.sets}
    for name, figures in found.items():
        print(name, *(f"{key} {value}" for key, value in figures.items()))
    if asked.json:
        write_json(found, asked.json)


if __name__ == "__main__":
    main()
