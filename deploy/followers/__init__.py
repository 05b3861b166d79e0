"""Who runs which version, and how it does there.

In: the topic of followers' reports (`reading`), the state of the channels.
Out: a row for each follower, judged by what its channel wants (`standing`).
"""
