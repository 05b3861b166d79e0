"""What is trained on: a buffer of samples and their edges, balanced over sources and time.

In: samples and Bindings.
Out: anchors (`buffer`) with one of their `partners`.
"""
