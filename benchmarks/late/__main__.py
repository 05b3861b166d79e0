"""`python -m benchmarks.late`."""

from benchmarks.late.command import main

main()
