"""Later answers: the last samples asked again, all together.

In: samples, and the encoders of a model.
Out: a round of partners for all of them (`review`).
"""
