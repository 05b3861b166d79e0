"""A version trained again from what is kept of its training, to see whether it comes out the same.

In: the trainer's checkpoints, and the Bindings and samples that they name.
Out: a `course` from an earlier checkpoint to the version, and the learner at its end.
"""
