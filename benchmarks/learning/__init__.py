"""What binding teaches, next to its controls and to MMBind: `python -m benchmarks.learning`."""
