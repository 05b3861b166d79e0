"""What runs on this machine: child processes, brokers, all of them together, and whether it can.

In: the settings.
Out: a broker of `brokers` or `apache_kafka`, a `process`, all services of `up`; the `check` before it; the word of
`doctor`; `logs`.
"""
