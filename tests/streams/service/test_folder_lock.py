import os
import signal
import sys
from pathlib import Path

import pytest

from deploy.machine.process import ChildProcess
from streams.service.folder_lock import FolderInUse, FolderLock
from tests.support.waiting import wait_until

# Locks the folder, starts a child as `mmbind up` starts its services, and says the child's id.
PARENT = """
import sys, time
from pathlib import Path
from deploy.machine.process import ChildProcess
from streams.service.folder_lock import FolderLock
folder = Path(sys.argv[1])
lock = FolderLock(folder)
child = ChildProcess("child", [sys.executable, "-c", "import time; time.sleep(60)"], folder / "child.log")
child.start()
print(child.pid, flush=True)
time.sleep(60)
"""


def test_a_folder_is_locked_by_one_at_a_time(tmp_path: Path) -> None:
    first = FolderLock(tmp_path / "data")
    with pytest.raises(FolderInUse, match="stop it first"):
        FolderLock(tmp_path / "data")
    first.release()
    FolderLock(tmp_path / "data").release()


def test_the_folder_and_the_process_that_holds_it_are_named(tmp_path: Path) -> None:
    first = FolderLock(tmp_path)
    with pytest.raises(FolderInUse) as caught:
        FolderLock(tmp_path)
    first.release()
    assert f"{tmp_path} is in use by process {os.getpid()} (" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_a_killed_parent_left_running_keeps_the_folder(tmp_path: Path) -> None:
    parent = ChildProcess("parent", [sys.executable, "-c", PARENT, str(tmp_path)], tmp_path / "parent.log")
    parent.start()
    wait_until(lambda: parent.log_tail() != "", 30, told=parent.log_tail, is_hopeless=lambda: not parent.alive)
    left = int(parent.log_tail())
    with pytest.raises(FolderInUse, match=rf"by process {parent.pid} \([^)]*\): stop"):  # not by its child too
        FolderLock(tmp_path)
    parent.signal(signal.SIGKILL)
    parent.wait(10)
    try:
        with pytest.raises(FolderInUse, match=f"by process {left} "):
            FolderLock(tmp_path)
    finally:
        os.kill(left, signal.SIGKILL)
    wait_until(lambda: _is_free(tmp_path), 10)


def test_a_released_folder_is_free_although_a_child_lives_on(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path)
    child = ChildProcess("child", [sys.executable, "-c", "import time; time.sleep(60)"], tmp_path / "child.log")
    child.start()
    lock.release()
    assert _is_free(tmp_path)
    child.stop()


def _is_free(folder: Path) -> bool:
    try:
        FolderLock(folder).release()
    except FolderInUse:
        return False
    return True
