"""`python -m benchmarks.orders`."""

from benchmarks.orders.command import main

if __name__ == "__main__":
    main()
