from pathlib import Path

import pytest

from trainer.checkpoints.lock import FolderInUse, FolderLock


def test_a_folder_is_locked_by_one_at_a_time(tmp_path: Path) -> None:
    first = FolderLock(tmp_path / "checkpoints")
    with pytest.raises(FolderInUse, match="stop it first"):
        FolderLock(tmp_path / "checkpoints")
    first.release()
    FolderLock(tmp_path / "checkpoints").release()
