"""Whether encoders are any good, and good enough to be followed.

In: samples of sources that are `held_out`.
Out: figures (`evaluation`) and the word of the `gate`.
"""
