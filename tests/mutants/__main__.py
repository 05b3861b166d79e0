"""`make mutants`: one line of the product is made wrong at a time, and a test must fail.

    python -m tests.mutants                              all of the catalogue
    python -m tests.mutants --only smoothing --jobs 1    those whose name contains this; repeatable

Works on copies of the project in a temporary folder. Exits with 1 if more than five survive, of some chosen ones any.
"""

import argparse
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from queue import SimpleQueue

from encoders.errors import MmbindError
from tests.mutants.catalogue import MUTATIONS, part_of
from tests.mutants.mutation import Mutation
from tests.mutants.trial import Bench, Verdict

PROJECT = Path(__file__).parents[2]
MAY_SURVIVE = 5
EXIT_ENDED = 143


def main() -> int:
    """Tries what was asked for; 0 if the tests have teeth."""
    asked = _arguments()
    # So that whatever ends it, no process and no copy stays.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(EXIT_ENDED))
    chosen = [one for one in MUTATIONS if not asked.only or any(text in one.name for text in asked.only)]
    if not chosen:
        print(f"no mutation has {' or '.join(asked.only)} in its name", file=sys.stderr)
        return 2
    began_s = time.monotonic()
    verdicts = []
    try:
        for number, verdict in enumerate(_verdicts(chosen, max(1, min(asked.jobs, len(chosen))), asked.timeout_s), 1):
            verdicts.append(verdict)
            by = f" by {verdict.by}" if verdict.outcome == "caught" else f" {verdict.by}"
            print(f"{number:3d}/{len(chosen)} {verdict.mutation.name}: {verdict.outcome}{by}".rstrip(), flush=True)
    except MmbindError as error:
        print(f"make mutants: {error}", file=sys.stderr)
        return 2
    print(summary(verdicts, time.monotonic() - began_s))
    n_missed = sum(one.outcome != "caught" for one in verdicts)
    return int(n_missed > (0 if asked.only else MAY_SURVIVE))


def summary(verdicts: Sequence[Verdict], wall_s: float) -> str:
    """How many of each part were caught, and which were not."""
    parts, caught = Counter(part_of(one.mutation) for one in verdicts), Counter[str]()
    caught.update(part_of(one.mutation) for one in verdicts if one.outcome == "caught")
    lines = [f"{part}: {caught[part]} of {n} caught" for part, n in sorted(parts.items())]
    lines += [
        f"{one.outcome}: {one.mutation.name} ({one.mutation.file})" for one in verdicts if one.outcome != "caught"
    ]
    return "\n".join([*lines, f"{caught.total()} of {len(verdicts)} caught, {wall_s:.0f} s"])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.mutants", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--only", action="append", default=[], help="mutations whose name contains this; repeatable")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="so many at once, on a copy each")
    parser.add_argument("--timeout-s", type=float, default=300.0, help="of one; longer counts as caught")
    return parser.parse_args()


def _verdicts(mutations: Sequence[Mutation], n_jobs: int, timeout_s: float) -> Iterator[Verdict]:
    """What becomes of each, as it is known; copies and processes are gone when this ends.

    Raises:
        MmbindError: If a mutation does not apply, its tests fail without it, or the copies would not be tested.
    """
    for one in mutations:
        one.mutated((PROJECT / one.file).read_text())
    with tempfile.TemporaryDirectory(prefix="mmbind-mutants-") as folder:
        benches = [Bench(PROJECT, Path(folder).resolve() / str(number)) for number in range(n_jobs)]
        free: SimpleQueue[Bench] = SimpleQueue()
        for bench in benches:
            free.put(bench)

        def tried(mutation: Mutation) -> Verdict:
            bench = free.get()
            try:
                return bench.verdict(mutation, timeout_s)
            finally:
                free.put(bench)

        with ThreadPoolExecutor(n_jobs) as pool:
            try:
                _check_without_mutation(benches[0], mutations)
                for done in as_completed([pool.submit(tried, one) for one in mutations]):
                    yield done.result()
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
                for bench in benches:
                    bench.stop()


def _check_without_mutation(bench: Bench, mutations: Sequence[Mutation]) -> None:
    if foreign := bench.foreign():
        raise MmbindError(f"the copy would not be what is tested: {foreign}")
    tests = sorted({test for one in mutations for test in one.tests})
    run = bench.test(tests, 1800.0)
    if run.code:
        raise MmbindError(f"without any mutation the tests fail:\n{run.output[-2000:]}")


if __name__ == "__main__":
    sys.exit(main())
