"""Real processes that train together: the same bits as if all were done in one, and nobody left behind."""

import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from tests.support.learners import RECORDED, assert_same, go_through
from tests.support.local_ranks import LocalRanks
from tests.support.recorded import small_settings
from tests.support.waiting import wait_until
from trainer.learner import Learner
from trainer.parallel.process_group import open_ranks
from trainer.parallel.wire import RankLost, decoded_task, encoded_task
from trainer.step.packed import pack
from trainer.step.ranks import OtherRanks, RankTask

WORLD = RECORDED.world


def learner_with(ranks: OtherRanks | None, n_processes: int, **more: object) -> Learner:
    return Learner(WORLD.specs, WORLD.shared, small_settings(processes=n_processes), ranks=ranks, **more)  # type: ignore[arg-type]


def local(n_processes: int) -> LocalRanks:
    return LocalRanks(WORLD.specs, WORLD.shared, small_settings(), n_processes - 1)


def children() -> list[psutil.Process]:
    return [one for one in psutil.Process().children() if "trainer.parallel.rank" in one.cmdline()]


@pytest.mark.parametrize("n_processes", [2, 3])
def test_they_make_the_bits_that_one_process_makes_of_the_same_batches(n_processes: int) -> None:
    wanted = go_through(learner_with(local(n_processes), n_processes), RECORDED.bindings)
    with open_ranks(WORLD.settings(), small_settings(processes=n_processes)) as ranks:
        found = go_through(learner_with(ranks, n_processes), RECORDED.bindings)
        assert len(children()) == n_processes - 1
    assert found.cycles.n_done > 1
    assert_same(found, wanted)
    assert not children()


def test_a_cycle_draws_as_many_batches_however_many_share_them() -> None:
    one, three = (go_through(learner_with(ranks, n), RECORDED.bindings[:30]) for ranks, n in ((None, 1), (local(3), 3)))
    assert one.cycles.n_steps > 2
    assert three.cycles.n_steps * 3 >= one.cycles.n_steps > (three.cycles.n_steps - 1) * 3


def test_one_that_is_killed_is_told_at_once_and_the_rest_end(caplog: pytest.LogCaptureFixture) -> None:
    with (
        pytest.raises(RankLost, match="a process that trains with this one is gone"),
        open_ranks(WORLD.settings(), small_settings(processes=3)) as ranks,
    ):
        learner = go_through(learner_with(ranks, 3), RECORDED.bindings[:20])
        os.kill(children()[0].pid, signal.SIGKILL)
        for _ in range(3):
            learner.extra_step()
    assert not children()


def test_they_leave_signals_to_the_trainer_and_listen_on_this_machine_only() -> None:
    with open_ranks(WORLD.settings(), small_settings(processes=2)) as ranks:
        learner = go_through(learner_with(ranks, 2), RECORDED.bindings[:20])
        (child,) = children()
        listening = [
            one.laddr.ip
            for process in (child, psutil.Process())
            for one in process.net_connections("tcp")
            if one.status == psutil.CONN_LISTEN
        ]
        assert set(listening) <= {"127.0.0.1", "::1"}
        for name in (signal.SIGTERM, signal.SIGINT):
            child.send_signal(name)
        learner.extra_step()


def test_without_a_wish_for_more_there_is_one() -> None:
    with open_ranks(WORLD.settings(), small_settings()) as ranks:
        assert ranks is None and not children()


def test_a_task_is_the_same_on_the_other_side() -> None:
    learner = go_through(learner_with(None, 1), RECORDED.bindings[:20])
    task = RankTask(pack(learner._draw(), WORLD.shared), 0.25, 2**62 + 1)
    again = decoded_task(encoded_task(task))
    assert (again.quantile, again.seed) == (task.quantile, task.seed)
    for name, values in task.batch.arrays().items():
        assert values.tobytes() == again.batch.arrays()[name].tobytes(), name
        assert values.dtype == again.batch.arrays()[name].dtype and values.shape == again.batch.arrays()[name].shape


def test_a_trainer_that_is_killed_leaves_nobody_and_no_folder(tmp_path: Path) -> None:
    script = tmp_path / "holds.py"
    script.write_text(HOLDS)
    (temporary := tmp_path / "temporary").mkdir()
    more = {"PYTHONPATH": str(Path.cwd()), "TMPDIR": str(temporary)}
    holder = psutil.Popen([sys.executable, str(script)], env=os.environ | more)
    try:
        wait_until(lambda: bool(holder.children()) and (tmp_path / "ready").exists(), 60, told=lambda: "no child")
        (child,) = [one for one in holder.children() if "trainer.parallel.rank" in one.cmdline()]
        holder.kill()
        child.wait(30)
        assert not child.is_running()
        assert not list(temporary.glob("mmbind-ranks-*"))
    finally:
        holder.kill()
        holder.wait()


HOLDS = """
import time
from pathlib import Path
from tests.support.learners import RECORDED
from tests.support.recorded import small_settings
from trainer.parallel.process_group import open_ranks
with open_ranks(RECORDED.world.settings(), small_settings(processes=2)):
    (Path(__file__).parent / "ready").touch()
    time.sleep(600)
"""
