"""The same work on many items, in so many processes."""

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any, TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")

# What this process was started to do: one thing for all items, so that its data travels once.
_task: list[Callable[[Any], Any]] = []


def each(do: Callable[[Item], Result], items: Sequence[Item], n_jobs: int) -> Iterator[tuple[Item, Result]]:
    """Each item with its result, as they become ready; with one job in this process, in order.

    Args:
        do: Can be pickled, with all that it holds, if there are several jobs.
        items: What to do it with.
        n_jobs: How many processes, each with one thread.
    """
    if n_jobs == 1 or len(items) < 2:
        for item in items:
            yield item, do(item)
        return
    # Read when a process loads its libraries, before anything of ours runs in it.
    os.environ["OMP_NUM_THREADS"] = "1"
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(n_jobs, len(items)), context, initializer=_begin, initargs=(do,))
    try:
        places = {pool.submit(_call, item): i for i, item in enumerate(items)}
        for done in as_completed(places):
            yield items[places[done]], done.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _begin(do: Callable[[Any], Any]) -> None:
    torch.set_num_threads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _task.append(do)


def _end_with_parent() -> None:
    # One that is killed cannot tell its processes to end.
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _call(item: Any) -> Any:
    return _task[0](item)
