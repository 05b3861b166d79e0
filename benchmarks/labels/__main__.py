"""`python -m benchmarks.labels`."""

from benchmarks.labels.command import main

if __name__ == "__main__":
    main()
