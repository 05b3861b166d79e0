"""`python -m benchmarks.reliability`."""

from benchmarks.reliability.command import main

main()
