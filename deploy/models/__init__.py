"""The operator's hand on models: which version a channel points at, and what is deleted.

In: the topic `models`, the registry.
Out: moves of channels (`operator`), which versions are `usable`, `comparison` of two, `pruning` of old ones, and `news`
as it comes.
"""
