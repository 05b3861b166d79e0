"""`python -m benchmarks.learning`."""

from benchmarks.learning.command import main

main()
