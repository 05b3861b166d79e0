"""Binds samples from a file once more, in a process of its own: `python -m tests.support.replaying FOLDER WORKER`.

The last bits of a matrix product depend on the number of BLAS threads, which a process chooses when it starts.
"""

import sys
from pathlib import Path

from deploy.settings.config import load
from streams.binder import Binder
from streams.messages.codec import decode_many, encode_batch
from streams.records import Sample


def replay(folder: Path, worker: str) -> None:
    """Reads `mmbind.toml` and `samples` there, writes `bindings`."""
    settings = load(folder / "mmbind.toml")
    bindings = Binder(settings, worker).observe(decode_many((folder / "samples").read_bytes(), Sample))
    (folder / "bindings").write_bytes(encode_batch(bindings))


if __name__ == "__main__":
    replay(Path(sys.argv[1]), sys.argv[2])
