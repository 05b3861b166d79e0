"""Versions that roll out and back, on real recordings through a real broker.

In: the watch recordings, a worker, a trainer and consumers as processes of their own.
Out: a record of what an operator sees, and the seconds from a version's publishing to its use.
"""
