"""The `mmbind` command: a file for each group of commands, which import what they run when they run.

In: the command line.
Out: what people read, or JSON; the exit code. Start in `main`.
"""
