"""Whether pair precision that is estimated without labels is true.

In: streams of all data sets, as they are and with sensors that are rotated, noise, or missing.
Out: the estimate and its interval next to the truth, stream by stream; by `course`, a command of its own, round by
round.
"""
