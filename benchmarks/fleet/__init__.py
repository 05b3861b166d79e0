"""What disorder in a fleet costs: units, rotations, gains, clocks, noise, crops.

In: labelled recordings of two modalities.
Out: the share of best partners that are right, in the undisturbed stream and in each that one of `disorders` made.
"""
