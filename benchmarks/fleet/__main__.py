"""`python -m benchmarks.fleet`."""

from benchmarks.fleet.command import main

if __name__ == "__main__":
    main()
