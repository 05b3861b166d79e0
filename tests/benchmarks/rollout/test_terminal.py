"""A record of what commands say to a person."""

import os
import sys
from pathlib import Path

from benchmarks.rollout.terminal import WIDTH, Terminal, in_terminal

ASKS = "import os, sys; print(os.isatty(1), os.get_terminal_size().columns); sys.exit(3)"


def test_a_command_finds_a_terminal_and_its_exit_code_is_told(tmp_path: Path) -> None:
    code, said = in_terminal([sys.executable, "-c", ASKS], dict(os.environ), tmp_path)
    assert (code, said) == (3, f"True {WIDTH}\n")


def test_what_was_said_is_kept_as_text_and_as_a_picture(tmp_path: Path) -> None:
    terminal = Terminal({"COLUMNS": str(WIDTH)}, tmp_path)
    terminal.say("what is here")
    assert terminal.run("models promote nothing") == 2
    terminal.write(tmp_path / "said.svg")
    assert "models" in (tmp_path / "said.svg").read_text()


def test_the_text_has_comment_command_answer_and_exit_code(tmp_path: Path) -> None:
    terminal = Terminal({}, tmp_path)
    terminal.say("what is here")
    terminal.run("--no-such-option")
    terminal.write(tmp_path / "said.txt")
    lines = (tmp_path / "said.txt").read_text().splitlines()
    assert lines[1:3] == ["# what is here", "$ mmbind --no-such-option"] and lines[-1] == "exit code 2"
    assert any("No such option" in line for line in lines)
