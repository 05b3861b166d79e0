"""`python -m benchmarks.fleet`."""

from benchmarks.fleet.command import main

main()
