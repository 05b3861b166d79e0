"""How the trainer reads and writes topics.

In: `bindings` and the `samples` that they are of, by `consumers` of kafka-python.
Out: the topic `models` (`models`), to which candidates go by `publishing`.
"""
