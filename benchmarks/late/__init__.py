"""Whether a late modality joins: `python -m benchmarks.late`."""
