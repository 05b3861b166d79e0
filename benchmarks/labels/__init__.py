"""How far few labels travel along pairs.

In: labelled recordings, of which one kind of nodes keeps a few labels.
Out: what the other kind is told, next to a classifier on the shared sensor, and what a classifier learns from it.
"""
