"""Later answers: samples asked again, many together, beside their candidates of the whole history.

In: samples with what arrival found for them, and the encoders of a model.
Out: a round of partners for those whose answer changed (`review`), by what a `question` to a table says. Who is asked,
and beside whom, says `selection`.
"""
