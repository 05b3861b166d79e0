"""A fleet that nobody has to own: nodes that lack sensors, what they do, and whether binding finds it out.

In: the settings' modalities; how many nodes, for how long.
Out: windows in the broker, files with the truth, and how many pairs are right.
Begin in `command`; `fleet` is the world.
"""
