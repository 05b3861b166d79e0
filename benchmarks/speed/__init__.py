"""How fast: `python -m benchmarks.speed.core` without a broker, `.worker` with one."""
