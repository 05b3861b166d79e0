"""The one place that speaks to a broker on behalf of streams; `diagnosis` says why it cannot.

In: how to reach it (`connection`), with which `certificates`, also as kafka-python's `arguments`.
Out: a topic read as a `log`, whatever lies in it (`lenient_records`); the `topics`, made and checked; where a consumer
group stands (`group_offsets`).
"""
