"""`python -m benchmarks.workers`."""

from benchmarks.workers.command import main

if __name__ == "__main__":
    main()
