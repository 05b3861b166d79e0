"""`python -m benchmarks.late`."""

from benchmarks.late.command import main

if __name__ == "__main__":
    main()
