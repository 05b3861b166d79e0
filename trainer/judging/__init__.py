"""Whether encoders are any good, and good enough to be followed.

In: samples of sources that are `held_out`.
Out: figures (`evaluation`), how far they may differ by luck (`difference`), and the word of the `gate`.
"""
