"""What a process beside the trainer does: gradients, until rank 0 ends or says so. `python -m trainer.parallel.rank`.

Keeps nothing: weights, batch and seed come with each task.
"""

import logging
import os
import signal
import sys
from pathlib import Path

import torch
import torch.distributed as dist

from trainer.parallel.process_group import join, join_torchrun
from trainer.parallel.wire import Kind, Setup, decoded_task, found_numbers, receive
from trainer.step.fresh_encoders import fresh_encoders
from trainer.step.ranks import RankWork, flat, put_flat

log = logging.getLogger(__name__)


def serve() -> None:
    """Works for rank 0 of this process's group."""
    _, payload = receive()
    setup = Setup.decoded(payload)
    settings, specs = setup.trainer_settings, setup.specs
    device = _own(setup.device)
    encoders = fresh_encoders(specs, settings, 0, device)
    work, weights = RankWork(encoders, setup.shared, settings, device), flat(encoders)
    while receive()[0] is Kind.WEIGHTS:
        dist.broadcast(weights, 0)
        put_flat(encoders, weights)
        _, payload = receive()
        gradient, found = work(decoded_task(payload))
        dist.send(found_numbers(found, tuple(specs)), 0)
        dist.reduce(gradient, 0)


def serve_torchrun() -> int:
    """The same for a process that `torchrun` started; its exit code."""
    join_torchrun()
    return _serve_to_the_end()


def main() -> int:
    """The same for one that the trainer started with folder, number of processes, threads and its rank."""
    folder, *numbers = sys.argv[1:]
    n_ranks, threads, rank = map(int, numbers)
    torch.set_num_threads(threads)
    os.environ.setdefault("LOCAL_RANK", str(rank))
    join(rank, n_ranks, Path(folder))
    return _serve_to_the_end()


def _serve_to_the_end() -> int:
    # Rank 0 decides when it is over.
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.SIG_IGN)
    try:
        serve()
    except RuntimeError as error:
        log.error("the trainer is gone")
        log.debug("the process group says: %s", error)
        return 1
    finally:
        dist.destroy_process_group()
    return 0


def _own(device: str) -> torch.device:
    """On a machine with several accelerators each process has one."""
    if device == "cuda" and torch.cuda.device_count() > 1:
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)) % torch.cuda.device_count())
    return torch.device(device)


if __name__ == "__main__":
    sys.exit(main())
