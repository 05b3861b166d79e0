"""`python -m benchmarks.downstream`."""

from benchmarks.downstream.command import main

if __name__ == "__main__":
    main()
