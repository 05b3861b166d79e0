"""Where training goes on after a crash, to the last bit.

In: a learner's state.
Out: one atomic folder for each `checkpoint`; how far the log was read (`progress`).
"""
