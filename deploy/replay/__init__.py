"""Recordings through the whole loop in one process, without a broker.

In: a `plan`: recordings, settings, seed, steps.
Out: what came of them (`loop`), and the tables of `command`.
"""
