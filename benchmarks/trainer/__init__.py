"""Whether the trainer keeps up, and what a step costs.

In: synthetic sensors, a broker.
Out: figures, by the `command`.
"""
