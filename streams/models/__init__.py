"""The way of a model to whoever uses it: announced on a topic, stored as a bundle, followed by channel.

In: records of the topics `models` (`log`) and `scalings` (`node_scalings`), files of a `registry`, keys (`signing`).
Out: the state of all `channels`; each new model, verified (`watch`, which `tries` one that failed again, and lets go of
one that is passed over), and the one on `trial`, which some followers try first (`rollout`); what a follower is
`serving`, embeds with both and keeps in its `cache`; an `embedder` for windows, scaled or `raw`, and samples.
"""
