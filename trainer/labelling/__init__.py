"""From few labels to a label and a probability for every sample that pairs reach.

In: samples, their latest Bindings (`graph`), and labels of some of them; `settings`. No I/O, no clock.
Out: `labelling`, a label for each of many samples at once; `fleet`, the same as they come. What they are made of is
`described`, small samples, and `spreading`, along edges.
"""
