"""How fast binding is, next to a naive job and to its bare parts.

In: overlapping windows of the watch recordings.
Out: windows/s and microseconds of the `core` in this process, and of a `worker` through a broker; commands of their
own. Beside them one plain Faust job and one that passes bytes on. Broker and `processes` are for other benchmarks, too.
"""
