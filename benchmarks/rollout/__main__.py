"""`python -m benchmarks.rollout`."""

from benchmarks.rollout.command import main

if __name__ == "__main__":
    main()
