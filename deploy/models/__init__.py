"""The operator's hand on models: which version a channel points at, and what is deleted.

In: the topic `models`, the registry.
Out: moves of channels (`operator`), which versions are `usable`, what there is (`reading`) and how it is listed
(`listing`, all of one in `details`), `comparison` of two, `pruning` of old ones, `news` as it comes, the trainer's
`keys`, and the `export` of one to another runtime.
"""
