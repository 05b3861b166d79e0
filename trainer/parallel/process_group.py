"""The other processes as rank 0 sees them: started here, or by `torchrun` before."""

import contextlib
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor, nn

from streams.settings import StreamSettings
from trainer.parallel.wire import Kind, RankLost, Setup, encoded_task, numbers_found, send
from trainer.settings import TrainerSettings
from trainer.step.ranks import RankFound, RankTask, flat

log = logging.getLogger(__name__)

# The others wait for work as long as nothing comes, however long; whoever waits for them does not.
FOR_EVER = timedelta(days=3650)
ANSWER = timedelta(seconds=120)
EXIT_S = 10.0
LOOPBACK = "lo0" if sys.platform == "darwin" else "lo"


def torchrun_rank() -> int | None:
    """This process's rank where `torchrun` started it, else None."""
    return int(os.environ["RANK"]) if {"RANK", "WORLD_SIZE", "MASTER_ADDR"} <= os.environ.keys() else None


class ProcessRanks:
    """Sends each of the others its batch, takes the sum of their gradients.

    Args:
        setup: What they must know.
    """

    def __init__(self, setup: Setup) -> None:
        self.n_others = dist.get_world_size() - 1
        self._modalities = tuple(setup.specs)
        payload = setup.encoded()
        with _told():
            for rank in self._ranks:
                send(Kind.BEGIN, payload, rank)
        self._n_weights = 0

    @property
    def _ranks(self) -> range:
        return range(1, self.n_others + 1)

    def begin(self, encoders: nn.ModuleDict) -> None:
        """Tells them the present weights; each is then to be asked once."""
        weights = flat(encoders)
        self._n_weights = len(weights)
        with _told():
            for rank in self._ranks:
                send(Kind.WEIGHTS, b"", rank)
            dist.broadcast(weights, 0)

    def ask(self, rank: int, task: RankTask) -> None:
        """Has that one work at its task."""
        with _told():
            send(Kind.TASK, encoded_task(task), rank)

    def finish(self) -> tuple[Tensor, Sequence[RankFound]]:
        """The sum of their gradients, and what each found.

        Raises:
            RankLost: If one of them is gone, or has not answered for ANSWER.
        """
        gradient = torch.zeros(self._n_weights)
        numbers = [torch.zeros(3 + len(self._modalities), dtype=torch.float64) for _ in self._ranks]
        with _told():
            for rank, into in zip(self._ranks, numbers, strict=True):
                _answered(dist.irecv(into, rank))
            _answered(dist.reduce(gradient, 0, async_op=True))
        return gradient, [numbers_found(one, self._modalities) for one in numbers]

    def close(self) -> None:
        """Lets them end."""
        with contextlib.suppress(RankLost), _told():
            for rank in self._ranks:
                send(Kind.END, b"", rank)


@contextlib.contextmanager
def open_ranks(settings: StreamSettings, trainer: TrainerSettings) -> Iterator[ProcessRanks | None]:
    """The others: `torchrun`'s, or as many as `trainer.processes` asks for; None where there are none.

    They end with the block, and when this process does. Without `torchrun` nothing listens but on this machine.

    Raises:
        RankLost: If one of them does not start.
    """
    setup = Setup.of(settings.specs, settings.shared_modality, trainer, settings.runtime.device)
    with contextlib.ExitStack() as stack:
        if torchrun_rank() is not None:
            join_torchrun()
        elif trainer.processes > 1:
            stack.enter_context(_started(trainer.processes, settings.runtime.threads))
        else:
            yield None
            return
        stack.callback(dist.destroy_process_group)
        ranks = ProcessRanks(setup)
        stack.callback(ranks.close)
        log.info("%d processes train together", ranks.n_others + 1)
        yield ranks


def join_torchrun() -> None:
    """Makes this process the rank that `torchrun` says."""
    dist.init_process_group("gloo", timeout=FOR_EVER)


def join(rank: int, n_ranks: int, folder: Path) -> None:
    """Makes this process that rank of those that meet in a folder; the folder is not needed any more then."""
    os.environ.setdefault("GLOO_SOCKET_IFNAME", LOOPBACK)
    store = dist.FileStore(str(folder / "store"), n_ranks)  # type: ignore[attr-defined]
    dist.init_process_group("gloo", store=store, rank=rank, world_size=n_ranks, timeout=FOR_EVER)
    # The others may still read the store when this one has done with it.
    dist.barrier()


@contextlib.contextmanager
def _started(n_ranks: int, threads: int) -> Iterator[None]:
    started: list[subprocess.Popen[bytes]] = []
    try:
        # Gone as soon as all are there: whoever is killed later leaves nothing behind.
        with tempfile.TemporaryDirectory(prefix="mmbind-ranks-", ignore_cleanup_errors=True) as folder, _told():
            command = [sys.executable, "-m", "trainer.parallel.rank", folder, str(n_ranks), str(threads)]
            started += [subprocess.Popen([*command, str(rank)]) for rank in range(1, n_ranks)]
            join(0, n_ranks, Path(folder))
        yield
    except BaseException:
        for process in started:
            process.kill()
        raise
    finally:
        for process in started:
            try:
                process.wait(EXIT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _answered(work: dist.Work | None) -> None:
    assert work is not None
    work.wait(ANSWER)


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        log.debug("the process group says: %s", error)
        raise RankLost("a process that trains with this one is gone, or does not answer") from error
