"""`python -m benchmarks.reliability`."""

from benchmarks.reliability.command import main

if __name__ == "__main__":
    main()
