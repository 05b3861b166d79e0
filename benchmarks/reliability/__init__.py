"""Pair precision estimated without labels, next to the truth: `python -m benchmarks.reliability`, `.course`."""
