"""Whether all that came in is somewhere, once: `mmbind audit`.

In: the topics and the trainer's newest checkpoint, read by `books`.
Out: a `balance` of each `account`, or what is missing, counted twice or from nowhere.
"""
