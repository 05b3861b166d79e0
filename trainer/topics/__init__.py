"""How the trainer reads and writes topics.

In: `bindings`, each as it `arrived`, and the `samples` that they are of, by `consumers` of kafka-python; samples that
could wait no longer by their `places`.
Out: the topic `models` (`models`), to which candidates go by `publishing`.
"""
