"""What disorder in a fleet costs: `python -m benchmarks.fleet`."""
